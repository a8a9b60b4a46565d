import type { ActivityRecord, Reason, Transaction } from '../../interface/index.ts';
import { without } from '../../util/without.ts';
import { applyUpdate, emit, readBatches } from '../books.ts';
import { isFinal } from '../machine.ts';
import type { UpdatesAnswer } from '../messages.ts';
import { activities, blobGrants, remotes, type Remote } from '../records.ts';
import type { ActivityUpdate } from '../updates.ts';
import type { RequestorContext } from './context.ts';

/**
 * Takes what the provider reports into the books: all of it or, when any of it cannot be, nothing.
 * Returns whether the activity has ended.
 * @throws ActivityError ERR_ACTIVITY_UPDATE_INVALID
 */
export async function takeUpdates(
  context: RequestorContext,
  activityId: string,
  answer: Pick<UpdatesAnswer, 'updates' | 'stdoutBytes' | 'stderrBytes'>,
): Promise<boolean> {
  const ended = await context.store.transact(async (tx) => {
    const held = await tx.get(activities, activityId);
    const remote = await tx.get(remotes, activityId);
    if (held === undefined || remote === undefined || isFinal(held.state)) return true;
    if (held.unreachableSince === undefined && answer.updates.length === 0) return false;
    if (held.unreachableSince !== undefined) emit(tx, held, 'activity.reachable');
    const before = { ...without(held, 'unreachableSince'), ...grown(held, remote, answer) };
    tx.put(activities, activityId, before);
    return isFinal((await takeAll(tx, before, remote, answer.updates)).state);
  });
  context.changes.notify(activityId);
  return ended;
}

/** Ends it in this node's books alone, because the provider has nothing, or will never have anything, to say of it. */
export async function endWithoutProvider(
  context: RequestorContext,
  activityId: string,
  reason: Reason,
): Promise<void> {
  await context.store.transact(async (tx) => {
    const record = await tx.get(activities, activityId);
    const remote = await tx.get(remotes, activityId);
    if (record === undefined || remote === undefined) return;
    if (!isFinal(record.state)) {
      const at = context.clock.now();
      const seq = record.journalSeq + 1;
      await takeAll(tx, record, remote, [{ seq, at, type: 'state', state: 'Terminated', reason }]);
    }
    const now = await tx.get(remotes, activityId);
    if (now !== undefined) tx.put(remotes, activityId, { ...now, logsComplete: true });
  });
  context.changes.notify(activityId);
}

/** Notes since when the provider has not answered; the first time counts. */
export async function noteUnreachable(context: RequestorContext, activityId: string): Promise<void> {
  await context.store.transact(async (tx) => {
    const record = await tx.get(activities, activityId);
    if (record === undefined || isFinal(record.state) || record.unreachableSince !== undefined) return;
    tx.put(activities, activityId, { ...record, unreachableSince: context.clock.now() });
    emit(tx, record, 'activity.unreachable');
  });
  context.changes.notify(activityId);
}

async function takeAll(
  tx: Transaction,
  before: ActivityRecord,
  remote: Remote,
  updates: readonly ActivityUpdate[],
): Promise<ActivityRecord> {
  const { activityId } = before;
  let record = before;
  let openBatches = remote.openBatches;
  for (const update of updates) {
    // A batch that these books know nothing of, after a backup was restored, say: none of our business.
    if ('batchId' in update && !openBatches.includes(update.batchId)) continue;
    const open = await readBatches(tx, activityId, openBatches);
    const folded = applyUpdate(tx, record, open, update);
    record = folded.record;
    const finished = folded.batches.filter((batch) => batch.finished).map((batch) => batch.batchId);
    openBatches = openBatches.filter((batchId) => !finished.includes(batchId));
  }
  const last = updates.at(-1);
  if (last !== undefined && last.seq > record.journalSeq) {
    record = { ...record, journalSeq: last.seq };
    tx.put(activities, activityId, record);
  }
  tx.put(remotes, activityId, { ...remote, openBatches });
  if (isFinal(record.state)) await dropGrants(tx, activityId);
  return record;
}

/** An ended activity needs no blob of ours any more. */
async function dropGrants(tx: Transaction, activityId: string): Promise<void> {
  const grants = await tx.list(blobGrants, { where: { index: 'activityId', equals: activityId } });
  for (const { id } of grants) tx.delete(blobGrants, id);
}

function grown(
  record: ActivityRecord,
  { maxOutputBytes }: Remote,
  answer: Pick<UpdatesAnswer, 'stdoutBytes' | 'stderrBytes'>,
): Pick<ActivityRecord, 'stdoutBytes' | 'stderrBytes'> {
  const bounded = (before: number, now: number): number => Math.max(before, Math.min(now, maxOutputBytes));
  return {
    stdoutBytes: bounded(record.stdoutBytes, answer.stdoutBytes),
    stderrBytes: bounded(record.stderrBytes, answer.stderrBytes),
  };
}
