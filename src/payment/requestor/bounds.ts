import type { Resources } from '../../interface/market.ts';
import type { Reason } from '../../interface/values.ts';
import type { Usage } from '../pricing.ts';

const NS_PER_MS = 1_000_000n;

/** What bounds the usage of an activity, whatever its provider says. */
export interface UsageBounds {
  /** Wall time since the activity was created, by our clock. */
  readonly elapsedMs: number;
  readonly resources: Resources;
  readonly toleranceMs: number;
}

/** Counters with a physical bound, by the last part of their name; both count seconds, so billionths are nanoseconds. */
const DURATION = 'duration_sec';
const CPU = 'cpu_sec';

/**
 * What cannot have been used: more time than has passed, or more CPU time than the threads that were agreed on can
 * give in the time billed. Counters without such a bound pass here; their price is bounded by the allocation.
 */
export function impossibleUsage(usage: Usage, bounds: UsageBounds): Reason | undefined {
  const tolerance = BigInt(bounds.toleranceMs) * NS_PER_MS;
  const threads = BigInt(bounds.resources.cpuThreads);
  const elapsed = BigInt(Math.max(0, bounds.elapsedMs)) * NS_PER_MS + tolerance;
  const durations = Object.entries(usage).filter(([name]) => isCalled(name, DURATION));
  const longest = durations.reduce((max, [, value]) => (BigInt(value) > max ? BigInt(value) : max), 0n);
  const wall = durations.length > 0 && longest < elapsed ? longest + tolerance : elapsed;
  for (const [name, value] of Object.entries(usage)) {
    const used = BigInt(value);
    if (isCalled(name, DURATION) && used > elapsed) return implausible(name, used, elapsed);
    if (isCalled(name, CPU) && used > wall * threads) return implausible(name, used, wall * threads);
  }
  return undefined;
}

function isCalled(counter: string, name: string): boolean {
  return counter === name || counter.endsWith(`.${name}`);
}

function implausible(counter: string, used: bigint, limit: bigint): Reason {
  return {
    code: 'UsageImplausible',
    message: `${counter} cannot be ${used} billionths: at most ${limit} are possible`,
    detail: { counter, used: `${used}`, limit: `${limit}` },
  };
}
