import type { ActivityRecord, Batch } from '../../interface/index.ts';
import { batchNotFound, hasEnded } from '../errors.ts';
import { isFinal } from '../machine.ts';
import { checkBatchAnswer, checkSnapshot, HOLD_WAIT_MS } from '../messages.ts';
import { activities, batches, batchKey, remotes, type Remote } from '../records.ts';
import { requestUntilAnswered, unreachable } from './provider-request.ts';
import { notFound } from './commands.ts';
import type { RequestorContext } from './context.ts';
import type { Delivery } from './delivery.ts';
import { waitAtMost } from './single-flight.ts';

/**
 * Asks the provider to suspend or resume, and waits until these books have followed. The wish is not noted: when the
 * provider cannot be reached nothing comes of it later, at a time when nobody expects it any more.
 */
export async function changeHold(
  context: RequestorContext,
  delivery: Delivery,
  activityId: string,
  kind: 'suspend' | 'resume',
  caller: AbortSignal | undefined,
): Promise<ActivityRecord> {
  const { clock, init } = context;
  const signal = eitherOf(context, caller);
  const record = await find(context, activityId);
  if (isFinal(record.state)) throw hasEnded(record);
  const remote = await arrived(context, activityId, () => delivery.create(activityId), signal);
  const request = { kind, body: { activityId }, check: checkSnapshot, waitMs: HOLD_WAIT_MS };
  const until = clock.now() + init.commandTimeoutMs;
  const { journalSeq } = await requestUntilAnswered(context, remote, request, until, signal);
  const isDone = (it: ActivityRecord): boolean => it.journalSeq >= journalSeq || isFinal(it.state);
  return followed(context, activityId, () => find(context, activityId), isDone, signal);
}

/** The same for the end of one batch. */
export async function cancelBatch(
  context: RequestorContext,
  delivery: Delivery,
  activityId: string,
  batchId: string,
  caller: AbortSignal | undefined,
): Promise<Batch> {
  const { store, clock, init } = context;
  const signal = eitherOf(context, caller);
  const findBatch = async (): Promise<Batch> => {
    const batch = await store.get(batches, batchKey(activityId, batchId));
    if (batch === undefined) throw batchNotFound(activityId, batchId);
    return batch;
  };
  const batch = await findBatch();
  if (batch.finished) return batch;
  const remote = await arrived(context, activityId, () => delivery.exec(activityId, batchId), signal);
  const body = { activityId, batchId };
  const request = { kind: 'cancel-batch', body, check: checkBatchAnswer, waitMs: HOLD_WAIT_MS };
  await requestUntilAnswered(context, remote, request, clock.now() + init.commandTimeoutMs, signal);
  return followed(context, activityId, findBatch, ({ finished }) => finished, signal);
}

/** Where the activity is, once the provider has what this is about. */
async function arrived(
  { store, clock, init }: RequestorContext,
  activityId: string,
  deliver: () => Promise<void>,
  signal: AbortSignal,
): Promise<Remote> {
  const remote = await store.get(remotes, activityId);
  if (remote === undefined) throw notFound(activityId);
  const late = () => unreachable(activityId, remote.peerId);
  await waitAtMost(deliver(), clock, init.commandTimeoutMs, signal, late);
  return remote;
}

/** What these books have once they have taken in what the provider knew; as it is when that takes too long. */
async function followed<T>(
  { changes, clock }: RequestorContext,
  activityId: string,
  read: () => Promise<T>,
  isDone: (now: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  const until = clock.now() + HOLD_WAIT_MS;
  const subscription = changes.subscribe(activityId);
  try {
    for (;;) {
      const now = await read();
      const left = until - clock.now();
      if (isDone(now) || left <= 0) return now;
      await subscription.next(clock, signal, left);
    }
  } finally {
    subscription.close();
  }
}

const eitherOf = ({ background }: RequestorContext, caller: AbortSignal | undefined): AbortSignal =>
  caller === undefined ? background.signal : AbortSignal.any([caller, background.signal]);

async function find({ store }: RequestorContext, activityId: string): Promise<ActivityRecord> {
  const record = await store.get(activities, activityId);
  if (record?.role === 'requestor') return record;
  throw notFound(activityId);
}
