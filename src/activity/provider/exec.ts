import type { ActivityState, Batch, ExeScript, Reason, Sender, Transaction } from '../../interface/index.ts';
import { jsonBytes } from '../../util/json-bytes.ts';
import { emit } from '../books.ts';
import { ActivityError } from '../errors.ts';
import { isFinal } from '../machine.ts';
import type { DestroyRequest, ExecRequest } from '../messages.ts';
import { activities, batches, batchKey, supervisions, type EndIntent, type Supervision } from '../records.ts';
import { rehearse, sameBatch } from '../script.ts';
import type { ProviderContext } from './context.ts';
import { agreementNotActive, requestEnd } from './occupancy.ts';
import { owned } from './ownership.ts';

/** Notes the script: from then on it will be run once, over any crash. */
export function execScript(context: ProviderContext, request: ExecRequest, sender: Sender): Promise<Batch> {
  const { activityId, batchId, script } = request;
  return context.store.transact(async (tx) => {
    const record = owned(activityId, await tx.get(activities, activityId), sender);
    const known = await tx.get(batches, batchKey(activityId, batchId));
    if (known !== undefined) return sameBatch(known, script);
    if (isFinal(record.state)) throw ended(activityId, record.state);
    const supervision = await supervisionOf(tx, activityId);
    if (supervision.end !== undefined) throw ended(activityId, record.state);
    const now = context.clock.now();
    if (now >= supervision.spec.deadline) throw agreementNotActive(record.agreementId, 'has expired');
    const [busyWith] = supervision.openBatches;
    if (busyWith !== undefined) throw busy(activityId, busyWith);
    rehearse(settledState(record.state), script);
    const bookedBytes = booked(context, supervision, script);
    const batch: Batch = { batchId, activityId, script, results: [], finished: false, createdAt: now };
    tx.put(batches, batchKey(activityId, batchId), batch);
    tx.put(supervisions, activityId, { ...supervision, openBatches: [batchId], bookedBytes });
    emit(tx, record, 'batch.created', { batchId, commands: script.length });
    return batch;
  });
}

/** Notes that the requestor is done with the activity. */
export function destroyActivity(
  context: ProviderContext,
  request: DestroyRequest,
  sender: Sender,
): Promise<void> {
  const { activityId, reason } = request;
  return context.store.transact(async (tx) => {
    const record = owned(activityId, await tx.get(activities, activityId), sender);
    if (isFinal(record.state)) return;
    const supervision = await supervisionOf(tx, activityId);
    requestEnd(tx, record, supervision, endByRequestor(supervision, reason));
  });
}

/** It ended well if nothing had failed and nothing was cut off. */
function endByRequestor(supervision: Supervision, reason: Reason | undefined): EndIntent {
  if (!supervision.failed && supervision.openBatches.length === 0) return { state: 'Completed' };
  const message = reason?.message ?? 'The requestor ended the activity';
  const detail = reason?.detail === undefined ? {} : { detail: reason.detail };
  return { state: 'Terminated', reason: { code: 'Requestor', message, ...detail } };
}

/** Between batches a deployed activity comes to rest in Ready; the books may hear of that a moment later. */
function settledState(state: ActivityState): ActivityState {
  return state === 'Running' ? 'Ready' : state;
}

/** @throws ActivityError ERR_ACTIVITY_NOT_FOUND */
export async function supervisionOf(tx: Transaction, activityId: string): Promise<Supervision> {
  const supervision = await tx.get(supervisions, activityId);
  if (supervision !== undefined) return supervision;
  throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', `There is no activity ${activityId}`, { activityId });
}

/** What a batch takes in the books at the least, with its events. */
const MIN_BATCH_BYTES = 4096;

function booked(
  { init }: ProviderContext,
  { activityId, bookedBytes }: Supervision,
  script: ExeScript,
): number {
  const bytes = (bookedBytes ?? 0) + Math.max(MIN_BATCH_BYTES, jsonBytes(script));
  if (bytes <= init.maxBookedBytes) return bytes;
  const message = `The scripts and captures of activity ${activityId} would take ${bytes} bytes; ${init.maxBookedBytes} are kept of one`;
  throw new ActivityError('ERR_ACTIVITY_BOOKS_FULL', message, {
    activityId,
    bytes,
    maxBytes: init.maxBookedBytes,
  });
}

function busy(activityId: string, batchId: string): ActivityError {
  const message = `Activity ${activityId} is still at batch ${batchId}`;
  return new ActivityError('ERR_ACTIVITY_BUSY', message, { activityId, batchId });
}

/** ERR_ACTIVITY_ENDED, of an activity that is ending or has ended. */
export function ended(activityId: string, state: ActivityState): ActivityError {
  const message = isFinal(state) ? `Activity ${activityId} is ${state}` : `Activity ${activityId} is ending`;
  return new ActivityError('ERR_ACTIVITY_ENDED', message, { activityId, state });
}
