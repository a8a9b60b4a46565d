import type { ActivityRecord } from '../../interface/index.ts';
import { ActivityError } from '../errors.ts';
import { isFinal } from '../machine.ts';
import { checkSnapshot, HOLD_WAIT_MS } from '../messages.ts';
import { activities, remotes } from '../records.ts';
import { askUntilAnswered, unreachable } from './ask.ts';
import { notFound } from './commands.ts';
import type { RequestorContext } from './context.ts';
import type { Delivery } from './delivery.ts';
import { waitAtMost } from './flights.ts';

/**
 * Asks the provider to suspend or resume, and waits until these books have followed. The wish is not noted: when the
 * provider cannot be reached nothing comes of it later, at a time when nobody expects it any more.
 */
export async function askAndFollow(
  context: RequestorContext,
  delivery: Delivery,
  activityId: string,
  kind: 'suspend' | 'resume',
  signal: AbortSignal | undefined,
): Promise<ActivityRecord> {
  const { store, clock, init, background } = context;
  const either = signal === undefined ? background.signal : AbortSignal.any([signal, background.signal]);
  const record = await find(context, activityId);
  if (isFinal(record.state)) throw hasEnded(record);
  const remote = await store.get(remotes, activityId);
  if (remote === undefined) throw notFound(activityId);
  const late = () => unreachable(activityId, remote.peerId);
  await waitAtMost(delivery.create(activityId), clock, init.commandTimeoutMs, either, late);
  const question = { kind, body: { activityId }, check: checkSnapshot, waitMs: HOLD_WAIT_MS };
  const until = clock.now() + init.commandTimeoutMs;
  const { journalSeq } = await askUntilAnswered(context, remote, question, until, either);
  return followed(context, activityId, journalSeq, either);
}

/** The record once it has taken in what the provider knew; as it is when that takes too long. */
async function followed(
  context: RequestorContext,
  activityId: string,
  journalSeq: number,
  signal: AbortSignal,
): Promise<ActivityRecord> {
  const { changes, clock } = context;
  const until = clock.now() + HOLD_WAIT_MS;
  const subscription = changes.subscribe(activityId);
  try {
    for (;;) {
      const record = await find(context, activityId);
      const left = until - clock.now();
      if (record.journalSeq >= journalSeq || isFinal(record.state) || left <= 0) return record;
      await subscription.next(clock, signal, left);
    }
  } finally {
    subscription.close();
  }
}

async function find({ store }: RequestorContext, activityId: string): Promise<ActivityRecord> {
  const record = await store.get(activities, activityId);
  if (record?.role === 'requestor') return record;
  throw notFound(activityId);
}

function hasEnded({ activityId, state }: ActivityRecord): ActivityError {
  const message = `Activity ${activityId} is ${state}`;
  return new ActivityError('ERR_ACTIVITY_ENDED', message, { activityId, state });
}
