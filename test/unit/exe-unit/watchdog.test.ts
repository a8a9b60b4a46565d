import { expect, it } from 'vitest';
import type { Meter } from '../../../src/exe-unit/supervisor/meter.ts';
import { Watchdog } from '../../../src/exe-unit/supervisor/watchdog.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { specOf } from '../../support/exe-units.ts';

const SECOND_MS = 1_000;

/** When samples were taken, in seconds from the start, and how often was measured, over so many seconds. */
async function watch(
  seconds: number,
  maxSampleIntervalMs?: number,
): Promise<{ at: number[]; looks: number }> {
  const clock = new FakeClock();
  const begun = clock.monotonicNs();
  const ageNs = (): bigint => clock.monotonicNs() - begun;
  const seen = { at: [] as number[], looks: 0 };
  const meter = {
    get durationNs() {
      return ageNs();
    },
    sample: async () => {
      seen.looks += 1;
      seen.at.push(Number(ageNs() / 1_000_000_000n));
    },
    measure: async () => {
      seen.looks += 1;
    },
  } as unknown as Meter;
  const limits = maxSampleIntervalMs === undefined ? {} : { maxSampleIntervalMs };
  const spec = specOf('a1', { sampleIntervalMs: SECOND_MS, ...limits });
  const watchdog = new Watchdog(spec, { clock, workClock: clock, meter, onLimit: () => undefined });
  watchdog.watchUsage();
  await clock.advance(seconds * SECOND_MS);
  watchdog.stop();
  return seen;
}

it('writes down fewer samples of an activity as it grows old, and measures as often as ever', async () => {
  const { at, looks } = await watch(10_000, 5 * SECOND_MS);
  expect(looks).toBe(10_000);
  expect(at.slice(0, 1_000)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  const gaps = at.map((second, index) => second - (at[index - 1] ?? 0));
  expect(gaps).toEqual(gaps.toSorted((a, b) => a - b));
  expect(gaps.at(-1)).toBe(5);
  expect(at.length).toBeLessThan(4_000);
});

it('writes down every one where nothing else was agreed', async () => {
  expect((await watch(2_000)).at).toHaveLength(2_000);
});
