import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { backoffMs } from '../../../src/util/backoff.ts';
import { delay } from '../../../src/util/delay.ts';
import { newId } from '../../../src/util/id.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('backoffMs', () => {
  it('grows by the factor up to the most, and never below half of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (attempt, random) => {
          const ceiling = Math.min(60_000, 100 * 2 ** (attempt - 1));
          const wait = backoffMs({ firstMs: 100, maxMs: 60_000 }, attempt, () => random);
          expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2));
          expect(wait).toBeLessThanOrEqual(ceiling);
        },
      ),
    );
  });
});

describe('delay', () => {
  it('waits by the injected clock', async () => {
    const clock = new FakeClock();
    let done = false;
    void delay(clock, 1_000).then(() => (done = true));
    await clock.advance(999);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(done).toBe(true);
  });

  it('ends with the reason of the signal, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const waiting = delay(clock, 1_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(delay(clock, 1_000, abort.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });
});

describe('FakeClock', () => {
  it('fires timers in order of their time, also those that timers set', async () => {
    const clock = new FakeClock(0);
    const fired: number[] = [];
    const note = (): unknown => fired.push(clock.now());
    clock.setTimer(note, 30);
    clock.setTimer(() => {
      note();
      clock.setTimer(note, 5);
    }, 10);
    const cancel = clock.setTimer(note, 20);
    cancel();
    await clock.advance(25);
    expect([fired, clock.now(), clock.nextTimerMs]).toEqual([[10, 15], 25, 5]);
    await clock.advance(5);
    expect(fired).toEqual([10, 15, 30]);
    expect(clock.monotonicNs()).toBe(30_000_000n);
  });
});

describe('newId', () => {
  it('is a UUIDv7 and unlike any other', () => {
    const ids = Array.from({ length: 1_000 }, newId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const at = Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(Date.now() - at)).toBeLessThan(600_000);
  });
});
