import type { Batch, Sender } from '../../interface/index.ts';
import { emit } from '../books.ts';
import { batchNotFound } from '../errors.ts';
import { HOLD_WAIT_MS, type BatchRequest } from '../messages.ts';
import { activities, batches, batchKey, supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { supervisionOf } from './exec.ts';
import { owned } from './ownership.ts';

/** Notes that the batch is to be cut short, and waits a while for its end. */
export async function cancelBatch(
  context: ProviderContext,
  { activityId, batchId }: BatchRequest,
  sender: Sender,
  signal: AbortSignal,
): Promise<Batch> {
  const { store, changes, clock, background } = context;
  const find = async (): Promise<Batch> => {
    const batch = await store.get(batches, batchKey(activityId, batchId));
    if (batch === undefined) throw batchNotFound(activityId, batchId);
    return batch;
  };
  await store.transact(async (tx) => {
    const record = owned(activityId, await tx.get(activities, activityId), sender);
    const supervision = await supervisionOf(tx, activityId);
    if (!supervision.openBatches.includes(batchId) || supervision.cancel === batchId) return;
    tx.put(supervisions, activityId, { ...supervision, cancel: batchId });
    emit(tx, record, 'batch.cancel-requested', { batchId });
  });
  changes.notify(activityId);
  const until = clock.now() + HOLD_WAIT_MS;
  const subscription = changes.subscribe(activityId);
  try {
    for (;;) {
      const batch = await find();
      const left = until - clock.now();
      if (batch.finished || left <= 0) return batch;
      await subscription.next(clock, AbortSignal.any([signal, background.signal]), left);
    }
  } finally {
    subscription.close();
  }
}
