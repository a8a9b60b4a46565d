import { isFinalTaskState, type Reader } from '../interface/index.ts';
import { inputsOf, taskBucket } from './bucket.ts';

/**
 * What a task has to do with a blob: it `needs` it while it is not over; it `keeps` what is its result; and it `names`
 * what it once ran or read.
 */
export interface TaskBlobUse {
  readonly taskId: string;
  readonly use: 'needs' | 'keeps' | 'names';
}

/** All tasks that name the blob. */
export async function taskBlobUsers(reader: Reader, hash: string): Promise<TaskBlobUse[]> {
  const tasks = await reader.list(taskBucket, { where: { index: 'blob', equals: hash } });
  return tasks.map(({ id: taskId, value: { state, result } }) => {
    if (!isFinalTaskState(state)) return { taskId, use: 'needs' };
    const isResult = result?.outputs.some(({ blob }) => blob === hash) === true;
    return { taskId, use: isResult ? 'keeps' : 'names' };
  });
}

/** Of each package, input and stdin how many tasks need it that are not over. */
export async function neededInputs(reader: Reader): Promise<ReadonlyMap<string, number>> {
  const needed = new Map<string, number>();
  const open = await reader.list(taskBucket, { where: { index: 'open', equals: 'yes' } });
  for (const { value } of open) {
    if (isFinalTaskState(value.state)) continue;
    for (const hash of new Set(inputsOf(value.spec))) needed.set(hash, (needed.get(hash) ?? 0) + 1);
  }
  return needed;
}
