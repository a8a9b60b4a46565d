import { describe, expect, it } from 'vitest';
import { throttled } from '../../../src/util/throttled.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('throttled values', () => {
  it('are told at most once an interval, the newest of each, the last one too', async () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const values = throttled<number>(1000, clock, (value) => told.push(value));
    for (let value = 1; value <= 25; value += 1) {
      values.say(value);
      await clock.advance(100);
    }
    expect(told).toEqual([10, 20]);
    await clock.advance(1000);
    expect(told).toEqual([10, 20, 25]);
    await clock.advance(5000);
    values.say(26);
    expect(told).toEqual([10, 20, 25, 26]);
  });

  it('are not told after the end', async () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const values = throttled<number>(1000, clock, (value) => told.push(value));
    values.say(1);
    values.stop();
    values.say(2);
    await clock.advance(5000);
    expect(told).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
