import type { Comparison } from './compare.ts';

/** What a case is given. */
export interface BenchContext {
  /** A directory of the case's own; removed after it. */
  readonly dir: string;
  /** Fewer and smaller samples: to see that it works, not to compare. */
  readonly quick: boolean;
  /** Runs when the case is over, however it ended; the last one first. */
  readonly defer: (cleanUp: () => Promise<unknown>) => void;
}

/**
 * One file in `bench/cases/` exports one of these as `bench`, and is found there: each measures something of ours
 * against a floor in the same run, and says only how many times the floor's time ours takes.
 */
export interface Bench {
  /** For `--only`. */
  readonly name: string;
  /** What is measured. */
  readonly ours: string;
  /** What it is measured against. */
  readonly floor: string;
  /** Why this machine cannot run it; undefined, or absent, when it can. */
  readonly lacks?: () => Promise<string | undefined>;
  readonly run: (context: BenchContext) => Promise<Comparison[]>;
}
