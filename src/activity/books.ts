import type { ActivityRecord, Batch, JsonValue, Transaction } from '../interface/index.ts';
import { fold, type Folded } from './fold.ts';
import { activities, batches, batchKey, usageSampleKey, usageSamples } from './records.ts';
import type { ActivityUpdate } from './updates.ts';

/** The batches of these ids; read so that a change of them by another transaction is noticed. */
export async function readBatches(
  tx: Transaction,
  activityId: string,
  batchIds: readonly string[],
): Promise<Batch[]> {
  const found = await Promise.all(batchIds.map((id) => tx.get(batches, batchKey(activityId, id))));
  return found.filter((batch) => batch !== undefined);
}

/** Writes what an update makes of the record and its open batches; several updates may come in one transaction. */
export function applyUpdate(
  tx: Transaction,
  before: ActivityRecord,
  open: readonly Batch[],
  update: ActivityUpdate,
): Folded {
  const folded = fold(before, open, update);
  const { activityId } = before;
  if (folded.record !== before) tx.put(activities, activityId, folded.record);
  for (const batch of folded.batches) tx.put(batches, batchKey(activityId, batch.batchId), batch);
  if (folded.sample !== undefined) {
    const key = usageSampleKey(activityId, folded.sample.sequence);
    tx.put(usageSamples, key, { activityId, sample: folded.sample });
  }
  for (const event of folded.events) emit(tx, before, event.type, event.data);
  return folded;
}

/** An event of an activity; who is which stands in each, so that no consumer has to look it up. */
export function emit(
  tx: Transaction,
  record: Pick<ActivityRecord, 'activityId' | 'agreementId' | 'role'>,
  type: string,
  data: Readonly<Record<string, JsonValue>> = {},
): void {
  const { activityId, agreementId, role } = record;
  tx.emit({ type, subject: activityId, data: { agreementId, role, ...data } });
}
