import type { Batch, LogStream } from '../../interface/index.ts';
import type { Subscription } from '../changes.ts';
import { batchNotFound } from '../errors.ts';
import { batches, batchKey, remotes } from '../records.ts';
import type { RequestorContext } from './context.ts';
import type { LogCopies } from './log-copy.ts';

/** For the next byte of those that a provider has reported: one that has vanished leaves its log short. */
const PATIENCE_MS = 30_000;

/** @throws ActivityError ERR_ACTIVITY_BATCH_NOT_FOUND */
export async function findBatch(
  { store }: RequestorContext,
  activityId: string,
  batchId: string,
): Promise<Batch> {
  const batch = await store.get(batches, batchKey(activityId, batchId));
  if (batch !== undefined) return batch;
  throw batchNotFound(activityId, batchId);
}

/** Resolves once the batch has finished. */
export function batchEnd(
  context: RequestorContext,
  activityId: string,
  batchId: string,
  signal: AbortSignal,
): Promise<Batch> {
  return watching(context, activityId, async (subscription) => {
    for (;;) {
      const batch = await findBatch(context, activityId, batchId);
      if (batch.finished) return batch;
      await subscription.next(context.clock, signal);
    }
  });
}

/** Resolves when the copy of a log reaches `end`, can grow no more, or has not grown for too long. */
export function logArrival(
  context: RequestorContext,
  copies: LogCopies,
  { activityId, stream, end }: { activityId: string; stream: LogStream; end: number },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = context;
  return watching(context, activityId, async (subscription) => {
    let sizeBefore = 0;
    let giveUpAt = clock.now() + PATIENCE_MS;
    for (;;) {
      const size = await copies.size(activityId, stream);
      const remote = await store.get(remotes, activityId);
      if (size >= end || remote === undefined || remote.logsComplete) return;
      if (size > sizeBefore) giveUpAt = clock.now() + PATIENCE_MS;
      sizeBefore = size;
      const leftMs = giveUpAt - clock.now();
      if (leftMs <= 0) return;
      await subscription.next(clock, signal, leftMs);
    }
  });
}

async function watching<T>(
  { changes }: RequestorContext,
  activityId: string,
  wait: (subscription: Subscription) => Promise<T>,
): Promise<T> {
  const subscription = changes.subscribe(activityId);
  try {
    return await wait(subscription);
  } finally {
    subscription.close();
  }
}
