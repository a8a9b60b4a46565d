import { isErgonError, type ActivityRecord, type Holder, type Transaction } from '../../interface/index.ts';
import { without } from '../../util/without.ts';
import { emit } from '../books.ts';
import { ActivityError } from '../errors.ts';
import { isFinal } from '../machine.ts';
import { HOLD_WAIT_MS } from '../messages.ts';
import { activities, supervisions, type Supervision } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { ended, supervisionOf } from './exec.ts';

/** Gives the record if the caller may act on it, else throws. */
type Owned = (record: ActivityRecord | undefined) => ActivityRecord;
type Party = Exclude<Holder, 'node'>;

/** Notes that `by` wants the activity suspended, and waits a while for it. */
export function hold(
  context: ProviderContext,
  activityId: string,
  by: Party,
  owned: Owned,
  signal?: AbortSignal,
): Promise<ActivityRecord> {
  return change(context, activityId, { by, isHeld: true, owned, signal });
}

/** Notes that `by` lets go of it. */
export function release(
  context: ProviderContext,
  activityId: string,
  by: Party,
  owned: Owned,
  signal?: AbortSignal,
): Promise<ActivityRecord> {
  return change(context, activityId, { by, isHeld: false, owned, signal });
}

interface Change {
  readonly by: Party;
  readonly isHeld: boolean;
  readonly owned: Owned;
  readonly signal: AbortSignal | undefined;
}

async function change(context: ProviderContext, activityId: string, wish: Change): Promise<ActivityRecord> {
  const { store, changes } = context;
  await store.transact(async (tx) => {
    const record = wish.owned(await tx.get(activities, activityId));
    if (isFinal(record.state)) throw ended(activityId, record.state);
    note(tx, record, await supervisionOf(tx, activityId), wish);
  });
  changes.notify(activityId);
  return settled(context, activityId, wish);
}

function note(tx: Transaction, record: ActivityRecord, supervision: Supervision, wish: Change): void {
  const { activityId, state } = record;
  const { by, isHeld } = wish;
  const before = supervision.holds ?? [];
  if (supervision.end !== undefined) throw ended(activityId, state);
  if (before.includes(by) === isHeld) {
    if (!isHeld && (record.holds ?? []).some((holder) => holder !== by)) throw heldByOthers(record);
    return;
  }
  if (isHeld && !isAtWork(record, supervision)) throw idle(record);
  const holds = isHeld ? [...before, by] : before.filter((other) => other !== by);
  tx.put(supervisions, activityId, { ...supervision, holds });
  emit(tx, record, isHeld ? 'activity.suspend-requested' : 'activity.resume-requested', { by });
}

/** A script is under way, also when the books have not heard yet that its program runs. */
function isAtWork({ state }: ActivityRecord, { openBatches }: Supervision): boolean {
  return state === 'Running' || state === 'Suspended' || openBatches.length > 0;
}

/** The record once the journal shows the wish done, or as it is when that takes too long: the wish stands. */
async function settled(
  { store, changes, clock, background }: ProviderContext,
  activityId: string,
  { by, isHeld, owned, signal }: Change,
): Promise<ActivityRecord> {
  const until = clock.now() + HOLD_WAIT_MS;
  const subscription = changes.subscribe(activityId);
  const either = signal === undefined ? background.signal : AbortSignal.any([signal, background.signal]);
  try {
    for (;;) {
      const record = owned(await store.get(activities, activityId));
      const isDone = (record.holds ?? []).includes(by) === isHeld;
      const left = until - clock.now();
      if (isDone || isFinal(record.state) || left <= 0) return record;
      const wanted = (await store.get(supervisions, activityId))?.holds ?? [];
      if (isHeld && !wanted.includes(by)) throw unsupported(activityId);
      await subscription.next(clock, either, left);
    }
  } finally {
    subscription.close();
  }
}

/** Books → supervisor: who is to hold the activity back, and who not any more. */
export async function alignHolds(context: ProviderContext, activityId: string): Promise<void> {
  const { store, exeUnits } = context;
  const record = await store.get(activities, activityId);
  const supervision = await store.get(supervisions, activityId);
  if (record === undefined || supervision === undefined) return;
  const wanted: Holder[] = [...(supervision.holds ?? []), ...(context.isPaused() ? ['node' as const] : [])];
  const actual = record.holds ?? [];
  try {
    for (const by of actual) if (!wanted.includes(by)) await exeUnits.resume(activityId, by);
    for (const by of wanted) if (!actual.includes(by)) await exeUnits.suspend(activityId, by);
  } catch (error) {
    // It is ending: there is nothing left to hold.
    if (isErgonError(error, 'ERR_EXE_UNIT_ENDED')) return;
    if (!isErgonError(error, 'ERR_EXE_UNIT_SUSPEND_UNSUPPORTED')) throw error;
    await giveUpHolding(context, activityId, error.message);
  }
}

/** The runtime cannot freeze: the wish is taken back, and who made it is told. A paused node lets it run to its end. */
async function giveUpHolding(context: ProviderContext, activityId: string, message: string): Promise<void> {
  const { store, changes, logger } = context;
  const isTold = await store.transact(async (tx) => {
    const record = await tx.get(activities, activityId);
    const supervision = await tx.get(supervisions, activityId);
    if (record === undefined || supervision?.holds === undefined) return false;
    tx.put(supervisions, activityId, without(supervision, 'holds'));
    emit(tx, record, 'activity.suspend-failed', { message });
    return true;
  });
  if (isTold) changes.notify(activityId);
  else logger.warn({ activityId, message }, 'an activity cannot be suspended');
}

function heldByOthers({ activityId, holds = [] }: ActivityRecord): ActivityError {
  const message = `Activity ${activityId} is held by ${holds.join(' and ')}`;
  return new ActivityError('ERR_ACTIVITY_HELD', message, { activityId, holds });
}

function idle({ activityId, state }: ActivityRecord): ActivityError {
  const message = `suspend is not possible in state ${state}: nothing of activity ${activityId} runs`;
  return new ActivityError('ERR_ACTIVITY_ILLEGAL_COMMAND', message, { activityId, state });
}

function unsupported(activityId: string): ActivityError {
  const message = `The runtime of activity ${activityId} cannot freeze what it runs`;
  return new ActivityError('ERR_ACTIVITY_SUSPEND_UNSUPPORTED', message, { activityId });
}
