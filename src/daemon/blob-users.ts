import { activityBlobUsers } from '../activity/index.ts';
import { deliveringActivities, packageBucket } from '../api/index.ts';
import { isFinalTaskState, type Reader } from '../interface/index.ts';
import { taskBlobUsers, taskBucket } from '../task/index.ts';

/**
 * Somebody who has to do with a blob: it `needs` it while it is not over, `keeps` it as a part of itself, or `names`
 * what it once needed.
 */
export interface BlobUser {
  readonly kind: 'task' | 'activity' | 'package';
  readonly id: string;
  readonly use: 'needs' | 'keeps' | 'names';
}

/** All that has to do with a blob, as the books say at this moment: no count is kept that could drift from them. */
export async function blobUsers(reader: Reader, hash: string): Promise<BlobUser[]> {
  const tasks = await taskBlobUsers(reader, hash);
  const isPackage = (await reader.get(packageBucket, hash)) !== undefined;
  return [
    ...tasks.map(({ taskId, use }): BlobUser => ({ kind: 'task', id: taskId, use })),
    ...(await activityUsers(reader, hash)),
    ...(isPackage ? [{ kind: 'package', id: hash, use: 'keeps' } as const] : []),
  ];
}

async function activityUsers(reader: Reader, hash: string): Promise<BlobUser[]> {
  const found = await activityBlobUsers(reader, hash);
  if (found.length === 0) return [];
  const delivering = await deliveringActivities(reader);
  const users: BlobUser[] = [];
  for (const { activityId, agreementId, use } of found) {
    const needs = use === 'needs' || delivering.has(activityId);
    const task = needs ? undefined : await taskOf(reader, agreementId);
    // What an attempt has put out is its task's: wanted until that is over, and a result of it then, or nothing.
    if (task === 'over') continue;
    users.push({ kind: 'activity', id: activityId, use: needs || task === 'open' ? 'needs' : 'keeps' });
  }
  return users;
}

async function taskOf(reader: Reader, agreementId: string): Promise<'open' | 'over' | undefined> {
  const where = { index: 'agreement', equals: agreementId };
  const [found] = await reader.list(taskBucket, { where, limit: 1 });
  if (found === undefined) return undefined;
  return isFinalTaskState(found.value.state) ? 'over' : 'open';
}
