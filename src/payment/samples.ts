import type { UsageSample } from '../interface/activity.ts';
import type { UsageSource } from '../interface/payment.ts';
import type { Reader } from '../interface/store.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';

/** How far a running hash over an activity's samples has come. */
export interface SampleChain {
  /** Sequence of the last sample in it; 0 for none. */
  readonly last: number;
  readonly hash: string;
}

/** The chain before the first sample. */
export const EMPTY_CHAIN: SampleChain = { last: 0, hash: `0x${'00'.repeat(32)}` };

/** `hash' = sha256(hash ‖ canonical JSON of the sample)`. */
export function extend(chain: SampleChain, sample: UsageSample): SampleChain {
  const before = Buffer.from(chain.hash.slice(2), 'hex');
  return { last: sample.sequence, hash: `0x${sha256(before, canonicalJson(sample)).toString('hex')}` };
}

const PAGE = 1000;

/**
 * Carries a chain on over the stored samples up to `last`, as far as none is missing.
 * `sample` is the last one that was added.
 */
export async function extendChain(
  components: { usage: UsageSource; reader: Reader },
  activityId: string,
  from: SampleChain,
  last = Number.MAX_SAFE_INTEGER,
): Promise<{ chain: SampleChain; sample?: UsageSample }> {
  let chain = from;
  let sample: UsageSample | undefined;
  while (chain.last < last) {
    const until = Math.min(last, chain.last + PAGE);
    const page = await components.usage.samples(components.reader, activityId, chain.last + 1, until);
    for (const next of page) {
      if (next.sequence !== chain.last + 1) return sample === undefined ? { chain } : { chain, sample };
      chain = extend(chain, next);
      sample = next;
    }
    if (chain.last < until) break;
  }
  return sample === undefined ? { chain } : { chain, sample };
}
