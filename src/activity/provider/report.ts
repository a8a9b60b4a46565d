import type { NeedProgress } from '../../interface/index.ts';
import { throttled } from '../../util/throttled.ts';
import type { Need } from '../records.ts';
import type { ProviderContext } from './context.ts';

const EVERY_MS = 500;

/** Where what is done so far is reported to, in bytes; `stop` ends it. */
export interface ProgressReporter {
  readonly onProgress: (done: number, total: number | undefined) => void;
  readonly stop: () => void;
}

/** Tells the supervisor, which writes the journal, how far this node is with what a command waits for. */
export function progressReporter(
  { exeUnits, clock }: ProviderContext,
  activityId: string,
  need: Need,
): ProgressReporter {
  const { batchId, index } = need;
  const message = 'sizeBytes' in need ? 'delivering' : 'fetching';
  const reports = throttled<NeedProgress>(EVERY_MS, clock, (progress) => {
    // Nothing depends on it.
    void exeUnits.report(activityId, batchId, index, progress).catch(() => undefined);
  });
  return {
    onProgress: (done, total) => reports.say({ done, ...(total === undefined ? {} : { total }), message }),
    stop: () => reports.stop(),
  };
}
