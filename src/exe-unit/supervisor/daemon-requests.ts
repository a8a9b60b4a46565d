import type { NeedProgress } from '../../interface/exe-unit.ts';
import type { BlobInfo } from '../../interface/transfer.ts';
import { throttled } from '../../util/throttled.ts';
import type { BatchContext } from './context.ts';

/**
 * What a command asks of the daemon, which alone has a network. Each wish stands in the journal, so whichever daemon
 * follows it answers, also one that was started later.
 */
export interface DaemonRequests {
  /** The path of a blob, once it is there. */
  blob(hash: string): Promise<string>;
  /** The path of what a URL names. */
  url(url: string, maxBytes: number): Promise<string>;
  /** Resolves once one of the outputs is at the URL. */
  deliver(url: string, output: BlobInfo): Promise<void>;
  /** How far the command is, in bytes; noted now and then. */
  progress(done: number, total: number | undefined, message: string): void;
}

/** The same for as long as the command runs. */
export interface CommandRequests extends DaemonRequests {
  /** The command has ended: nothing more is noted of it. */
  end(): void;
}

const PROGRESS_INTERVAL_MS = 1000;
/** However often somebody wants to hear of it: the journal keeps it all. */
const MIN_PROGRESS_INTERVAL_MS = 200;

/** The name that answers and reports find a command by. */
export function commandKey(batchId: string, index: number): string {
  return `${batchId}/${index}`;
}

/** What the command `index` of a batch asks of the daemon. */
export function requestsOf(
  context: BatchContext,
  index: number,
  intervalMs: number = PROGRESS_INTERVAL_MS,
): CommandRequests {
  const { needs, journal, stop, batchId, clock } = context;
  const key = commandKey(batchId, index);
  const command = { batchId, index };
  const notes = throttled<NeedProgress>(Math.max(MIN_PROGRESS_INTERVAL_MS, intervalMs), clock, (progress) => {
    journal.append({ type: 'progress', ...command, ...progress });
  });
  const progress: DaemonRequests['progress'] = (done, total, message) =>
    notes.say({ done, ...(total === undefined ? {} : { total }), message });
  /** While it waits the daemon says how far it is. */
  const reported = async <T>(wait: Promise<T>): Promise<T> => {
    const end = needs.onReport(key, progress);
    try {
      return await wait;
    } finally {
      end();
    }
  };
  return {
    blob: (hash) =>
      reported(needs.require(hash, stop.signal, () => journal.append({ type: 'need', ...command, hash }))),
    url: (url, maxBytes) =>
      reported(
        needs.await(key, stop.signal, () => journal.append({ type: 'fetch', ...command, url, maxBytes })),
      ),
    deliver: async (url, { hash, sizeBytes }) => {
      await reported(
        needs.await(key, stop.signal, () =>
          journal.append({ type: 'deliver', ...command, url, hash, sizeBytes }),
        ),
      );
    },
    progress,
    end: () => notes.stop(),
  };
}
