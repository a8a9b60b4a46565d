import { activities, needKey, supervisions, type Need } from '../records.ts';
import { bringBlob, bringUrl, deliver, type Brought } from './bring.ts';
import type { ProviderContext } from './context.ts';
import { progressReporter } from './report.ts';

/**
 * Does what a command waits for and tells the supervisor. Throws while the requestor cannot be reached: the caller
 * tries again for as long as the activity lives.
 */
export async function pull(
  context: ProviderContext,
  activityId: string,
  need: Need,
  signal: AbortSignal,
): Promise<void> {
  const record = await context.store.get(activities, activityId);
  const supervision = await context.store.get(supervisions, activityId);
  if (record === undefined || supervision === undefined) return;
  const reports = progressReporter(context, activityId, need);
  const brought = await whileNeeded(context, activityId, need, signal, (wanted) => {
    const { onProgress } = reports;
    const task = { context, activityId, supervision, signal: wanted, onProgress };
    if (!('url' in need)) return bringBlob({ ...task, peerId: record.peerId }, need);
    return 'sizeBytes' in need ? deliver(task, need) : bringUrl(task, need);
  }).finally(() => reports.stop());
  if (brought === undefined) return;
  // The supervisor makes it its own while it is answered.
  const release = 'path' in brought ? context.blobs.hold(brought.hash) : () => undefined;
  await answer(context, activityId, need, brought).finally(release);
  await context.store.transact(async (tx) => {
    const now = await tx.get(supervisions, activityId);
    const needs = now?.needs.filter((other) => needKey(other) !== needKey(need)) ?? [];
    // The command may have gone on, and ended with its batch, before this was noted.
    if (now === undefined || needs.length === now.needs.length) return;
    const pulledBytes = now.pulledBytes + ('path' in brought ? brought.sizeBytes : 0);
    tx.put(supervisions, activityId, { ...now, pulledBytes, needs });
  });
  if ('path' in brought) await context.blobs.trim();
}

async function answer(
  { exeUnits }: ProviderContext,
  activityId: string,
  need: Need,
  brought: Brought,
): Promise<void> {
  if (!('url' in need)) {
    if ('path' in brought) await exeUnits.provide(activityId, need.hash, { path: brought.path });
    if ('error' in brought) await exeUnits.provide(activityId, need.hash, brought);
    return;
  }
  const { batchId, index } = need;
  const result = 'path' in brought ? { path: brought.path, hash: brought.hash } : brought;
  await exeUnits.answer(activityId, batchId, index, result);
}

/** Undefined when the command has ended meanwhile, canceled or cut off: what it waited for is given up. */
async function whileNeeded<T>(
  { store, changes, clock }: ProviderContext,
  activityId: string,
  need: Need,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController();
  const wanted = AbortSignal.any([signal, over.signal]);
  const isNeeded = async (): Promise<boolean> =>
    (await store.get(supervisions, activityId))?.needs.some((one) => needKey(one) === needKey(need)) === true;
  const subscription = changes.subscribe(activityId);
  const finished = new AbortController();
  const watching = (async () => {
    while (await isNeeded()) await subscription.next(clock, finished.signal);
    over.abort(new Error('nobody waits for it any more'));
  })().catch(() => undefined);
  try {
    return await work(wanted);
  } catch (error) {
    if (over.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    finished.abort();
    await watching;
    subscription.close();
  }
}
