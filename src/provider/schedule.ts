import type { Reason } from '../interface/index.ts';

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** When a provider sells; without any of it, always. */
export interface Schedule {
  /**
   * Weekday → ranges of local time, `22:00-06:00`. A range that ends before it begins goes on into the next day. When
   * a day is named, days that are not named are closed.
   */
  readonly hours: Readonly<Record<string, readonly string[]>>;
  /** The load average of the last minute, what this node runs itself not counted, may be so high. */
  readonly maxLoadAverage?: number;
  readonly pauseOnBattery: boolean;
}

/** What a schedule looks at. */
export interface Circumstances {
  /** Milliseconds since the epoch; the weekday and the hours are those of this machine's time zone. */
  readonly now: number;
  readonly loadAverage: number;
  readonly onBattery: boolean;
  /** Whether it was open when it was looked at last. */
  readonly wasOpen: boolean;
}

/** A load that made it close must fall this far below the limit, or it would open and close all the time. */
const REOPEN_SHARE = 0.8;

/** Why the provider is not to sell now; undefined when it is. */
export function closedBy(schedule: Schedule, circumstances: Circumstances): Reason | undefined {
  const { now, loadAverage, onBattery, wasOpen } = circumstances;
  if (!isWithinHours(schedule.hours, new Date(now))) {
    return { code: 'OutsideHours', message: 'The schedule of the provider has no hours now' };
  }
  if (schedule.pauseOnBattery && onBattery) {
    return { code: 'OnBattery', message: 'The machine runs on its battery' };
  }
  const { maxLoadAverage } = schedule;
  if (maxLoadAverage === undefined) return undefined;
  const limit = wasOpen ? maxLoadAverage : maxLoadAverage * REOPEN_SHARE;
  if (loadAverage <= limit) return undefined;
  const load = Number(loadAverage.toFixed(2));
  return {
    code: 'HighLoad',
    message: `The load average of the machine is ${load}, and ${maxLoadAverage} is allowed`,
    detail: { loadAverage: load, maxLoadAverage },
  };
}

function isWithinHours(hours: Schedule['hours'], local: Date): boolean {
  if (Object.keys(hours).length === 0) return true;
  const minute = local.getHours() * 60 + local.getMinutes();
  const today = rangesOf(hours, local.getDay());
  const yesterday = rangesOf(hours, (local.getDay() + 6) % 7);
  return (
    today.some(({ from, to }) => minute >= from && (minute < to || to <= from)) ||
    yesterday.some(({ from, to }) => to <= from && minute < to)
  );
}

function rangesOf(hours: Schedule['hours'], weekday: number): { from: number; to: number }[] {
  const name = WEEKDAYS[weekday];
  return ((name === undefined ? undefined : hours[name]) ?? []).map((range) => {
    const [from = '', to = ''] = range.split('-');
    return { from: minuteOf(from), to: minuteOf(to) };
  });
}

function minuteOf(text: string): number {
  const [hour, minute] = text.split(':').map(Number);
  return (hour ?? 0) * 60 + (minute ?? 0);
}
