import type { Bucket, Forget, IndexQuery, Store } from '../interface/index.ts';
import { isFinal } from './machine.ts';
import { activities, activityUpdates, batches, remotes, supervisions, usageSamples } from './records.ts';
import { LogCopies } from './requestor/log-copy.ts';

const PAGE = 64;

/** Removes all records of a bucket that an index finds. */
export type Remove = <T>(bucket: Bucket<T>, where: IndexQuery) => Promise<void>;

export interface ForgetActivitiesInit {
  /** The directory of the requestor's copies of logs. */
  readonly logsDir: string;
}

export interface ForgetActivitiesComponents {
  readonly store: Store;
  /** When an agreement's invoice was settled; undefined while its bills may still be argued about. */
  readonly settledAt: (agreementId: string) => Promise<number | undefined>;
  /** Removes what other parts of the node keep of an activity. */
  readonly alongside: (activityId: string, remove: Remove) => Promise<void>;
}

/**
 * Forgets how activities went that have ended and are paid: scripts and results, samples, reports, logs. That they
 * were, how they ended and what they used stays, as the bills do. The provider's supervision or the requestor's remote
 * goes last: as long as it is there, there is something left to remove.
 */
export function forgetActivities(init: ForgetActivitiesInit, components: ForgetActivitiesComponents): Forget {
  const { store, settledAt, alongside } = components;
  const logs = new LogCopies(init.logsDir);

  const isOver = async (activityId: string, before: number): Promise<boolean> => {
    const record = await store.get(activities, activityId);
    if (record === undefined || !isFinal(record.state)) return false;
    const endedAt = record.history.at(-1)?.at ?? record.createdAt;
    return endedAt < before && ((await settledAt(record.agreementId)) ?? Infinity) < before;
  };

  const forget = async (activityId: string, breathe: () => Promise<void>): Promise<void> => {
    const remove: Remove = (bucket, where) => removeAll(store, bucket, where, breathe);
    const mine = { index: 'activityId', equals: activityId };
    await remove(usageSamples, mine);
    await remove(activityUpdates, mine);
    await remove(batches, mine);
    await alongside(activityId, remove);
    await logs.remove(activityId);
  };

  return async (before, breathe) => {
    const sweep = async <T>(bucket: Bucket<T>, isDone: (value: T) => boolean): Promise<number> => {
      let forgotten = 0;
      let after: string | undefined;
      do {
        const page = await store.list(bucket, { limit: PAGE, ...(after !== undefined && { after }) });
        for (const { id, value } of page) {
          if (!isDone(value) || !(await isOver(id, before))) continue;
          await forget(id, breathe);
          await store.transact(async (tx) => tx.delete(bucket, id));
          forgotten += 1;
        }
        after = page.length < PAGE ? undefined : page.at(-1)?.id;
        await breathe();
      } while (after !== undefined);
      return forgotten;
    };
    const bought = await sweep(remotes, ({ logsComplete }) => logsComplete);
    return bought + (await sweep(supervisions, ({ disposed }) => disposed));
  };
}

async function removeAll<T>(
  store: Store,
  bucket: Bucket<T>,
  where: IndexQuery,
  breathe: () => Promise<void>,
): Promise<void> {
  let removed: number;
  do {
    removed = await store.transact(async (tx) => {
      const page = await tx.list(bucket, { where, limit: PAGE });
      for (const { id } of page) tx.delete(bucket, id);
      return page.length;
    });
    await breathe();
  } while (removed === PAGE);
}
