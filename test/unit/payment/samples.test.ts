import { describe, expect, it } from 'vitest';
import type { UsageSample } from '../../../src/interface/activity.ts';
import type { Reader } from '../../../src/interface/store.ts';
import { extendChain, EMPTY_CHAIN, extend } from '../../../src/payment/samples.ts';
import { sampleAt, twinUsage } from '../../support/payment-world.ts';

const reader: Reader = { get: async () => undefined, list: async () => [] };
const usageOf = (samples: readonly UsageSample[]) => ({
  ...twinUsage,
  samples: async (_reader: Reader, _id: string, from: number, to: number) =>
    samples.filter(({ sequence }) => sequence >= from && sequence <= to),
});
const all = Array.from({ length: 2500 }, (_, index) => sampleAt(index + 1, index, index));

describe('the chain over samples', () => {
  it('is the same in one go and in pieces, over any number of pages', async () => {
    const components = { usage: usageOf(all), reader };
    const whole = await extendChain(components, 'act', EMPTY_CHAIN);
    expect(whole.chain).toEqual(all.reduce(extend, EMPTY_CHAIN));
    expect(whole.sample).toEqual(all.at(-1));
    const part = await extendChain(components, 'act', EMPTY_CHAIN, 1234);
    expect(part.chain.last).toBe(1234);
    expect((await extendChain(components, 'act', part.chain)).chain).toEqual(whole.chain);
  });

  it('is what anybody can compute by hand', () => {
    // h=$(printf '%064d' 0); for each: h=$({ printf %s $h | xxd -r -p; printf %s SAMPLE; } | sha256sum | cut -c1-64)
    const chain = [sampleAt(1, 5, 9), sampleAt(2, 15, 19)].reduce(extend, EMPTY_CHAIN);
    expect(chain).toEqual({
      last: 2,
      hash: '0x170c5c60983d4f894aecdd9f8099cefb39d7beb150f0a2d1f1210b6af2a560f7',
    });
  });

  it('stops where a sample is missing', async () => {
    const usage = usageOf(all.filter(({ sequence }) => sequence !== 7));
    expect((await extendChain({ usage, reader }, 'act', EMPTY_CHAIN)).chain.last).toBe(6);
    expect(await extendChain({ usage: usageOf([]), reader }, 'act', EMPTY_CHAIN)).toEqual({
      chain: EMPTY_CHAIN,
    });
  });

  it('changes with anything in a sample, but not with the order of its members', () => {
    const one = sampleAt(1, 5, 9);
    const reordered: UsageSample = { counters: { ...one.counters }, at: one.at, sequence: 1 };
    expect(extend(EMPTY_CHAIN, reordered)).toEqual(extend(EMPTY_CHAIN, one));
    expect(extend(EMPTY_CHAIN, { ...one, at: 10 }).hash).not.toBe(extend(EMPTY_CHAIN, one).hash);
  });
});
