import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedBy, WEEKDAYS, type Schedule } from '../../../src/provider/schedule.ts';

const ALWAYS: Schedule = { hours: {}, pauseOnBattery: false };
const idle = { loadAverage: 0, onBattery: false, wasOpen: true };
/** Local time; the 7th of June 2026 is a Sunday. */
const at = (weekday: (typeof WEEKDAYS)[number], hour: number, minute = 0): number =>
  new Date(2026, 5, 7 + WEEKDAYS.indexOf(weekday), hour, minute).getTime();
const isOpen = (schedule: Schedule, now: number): boolean =>
  closedBy(schedule, { ...idle, now }) === undefined;

describe('the hours of a schedule', () => {
  const hours = (of: Schedule['hours']): Schedule => ({ ...ALWAYS, hours: of });

  it('without any, always', () => {
    for (const day of WEEKDAYS) expect(isOpen(ALWAYS, at(day, 3))).toBe(true);
  });

  it.each([
    ['mon', 7, 59, false],
    ['mon', 8, 0, true],
    ['mon', 17, 59, true],
    ['mon', 18, 0, false],
    ['tue', 12, 0, false],
    ['sat', 0, 0, true],
    ['sat', 23, 59, true],
  ] as const)('%s %i:%i', (day, hour, minute, open) => {
    const schedule = hours({ mon: ['08:00-18:00'], sat: ['00:00-24:00'] });
    expect(isOpen(schedule, at(day, hour, minute))).toBe(open);
  });

  it.each([
    ['fri', 21, 59, false],
    ['fri', 22, 0, true],
    ['sat', 5, 59, true],
    ['sat', 6, 0, false],
    ['sat', 22, 0, false],
    ['sun', 0, 0, true],
    ['sun', 1, 0, false],
  ] as const)('over midnight: %s %i:%i', (day, hour, minute, open) => {
    expect(isOpen(hours({ fri: ['22:00-06:00'], sat: ['23:30-01:00'] }), at(day, hour, minute))).toBe(open);
  });

  it('says that it is outside of them', () => {
    expect(closedBy(hours({ mon: [] }), { ...idle, now: at('mon', 9) })).toMatchObject({
      code: 'OutsideHours',
    });
  });

  it('two ranges that share the day leave no gap', () => {
    const minute = fc.integer({ min: 1, max: 24 * 60 - 1 });
    const text = (m: number): string =>
      `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
    fc.assert(
      fc.property(minute, minute, (split, now) => {
        const schedule = hours({ wed: [`00:00-${text(split)}`, `${text(split)}-24:00`] });
        expect(isOpen(schedule, at('wed', 0, now))).toBe(true);
      }),
    );
  });
});

describe('load and battery', () => {
  const limited: Schedule = { ...ALWAYS, maxLoadAverage: 2 };
  const load = (loadAverage: number, wasOpen: boolean) =>
    closedBy(limited, { ...idle, now: 0, loadAverage, wasOpen });

  it('closes above the limit, and opens again only well below it', () => {
    expect(load(2, true)).toBeUndefined();
    expect(load(2.01, true)).toMatchObject({ code: 'HighLoad', detail: { maxLoadAverage: 2 } });
    expect(load(1.9, false)).toMatchObject({ code: 'HighLoad' });
    expect(load(1.6, false)).toBeUndefined();
  });

  it('closes on battery only when it is to', () => {
    const now = { ...idle, now: 0, onBattery: true };
    expect(closedBy(ALWAYS, now)).toBeUndefined();
    expect(closedBy({ ...ALWAYS, pauseOnBattery: true }, now)).toMatchObject({ code: 'OnBattery' });
  });
});
