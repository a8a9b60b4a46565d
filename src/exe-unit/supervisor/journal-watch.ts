import type { Clock } from '../../interface/clock.ts';
import type { JournalWriter } from '../journal/writer.ts';

const LOOK_EVERY_MS = 2_000;

/**
 * Says once when the journal is no longer where its readers look for it. Nobody can find such a supervisor any more,
 * so it must not go on; the daemon ends the activity in the books by itself.
 */
export function watchJournalPath(
  path: string,
  { journal, clock }: { readonly journal: Pick<JournalWriter, 'isAt'>; readonly clock: Clock },
  onGone: () => void,
): () => void {
  let cancel: (() => void) | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    if (stopped) return;
    if (await journal.isAt(path)) lookLater();
    else onGone();
  };
  const lookLater = (): void => {
    cancel = clock.setTimer(() => void look(), LOOK_EVERY_MS);
  };
  lookLater();
  return () => {
    stopped = true;
    cancel?.();
  };
}
