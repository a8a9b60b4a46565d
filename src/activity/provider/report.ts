import type { Need } from '../records.ts';
import type { ProviderContext } from './context.ts';

const EVERY_MS = 500;

/** Tells the supervisor, which writes the journal, how far this node is with what a command waits for. */
export function progressReporter(
  { exeUnits, clock }: ProviderContext,
  activityId: string,
  need: Need,
): (done: number, total: number | undefined) => void {
  const message = 'sizeBytes' in need ? 'delivering' : 'fetching';
  let saidAt = clock.now();
  let isSaying = false;
  return (done, total) => {
    if (isSaying || clock.now() - saidAt < EVERY_MS) return;
    saidAt = clock.now();
    isSaying = true;
    const progress = { done, ...(total === undefined ? {} : { total }), message };
    void exeUnits
      .report(activityId, need.batchId, need.index, progress)
      // Nothing depends on it.
      .catch(() => undefined)
      .finally(() => (isSaying = false));
  };
}
