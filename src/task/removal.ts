import {
  isFinalTaskState,
  type Allocations,
  type Store,
  type TaskRecord,
  type Transaction,
} from '../interface/index.ts';
import { taskBucket } from './bucket.ts';
import { TaskError } from './errors.ts';

/**
 * Takes a task that is over and settled out of the books, and what `alongside` writes goes into the same transaction.
 * Undefined when there is none, as after the first time.
 * @throws TaskError ERR_TASK_NOT_OVER, ERR_TASK_NOT_SETTLED
 */
export async function removeTask(
  { store, allocations }: { store: Store; allocations: Pick<Allocations, 'get' | 'release'> },
  taskId: string,
  alongside: (tx: Transaction, task: TaskRecord) => Promise<void>,
): Promise<TaskRecord | undefined> {
  const found = await store.get(taskBucket, taskId);
  if (found === undefined) return undefined;
  checkSettled(found);
  // Who follows the events finds no task any more that would tell which allocation it is.
  if ((await allocations.get(found.allocationId)) !== undefined)
    await allocations.release(found.allocationId);
  return store.transact(async (tx) => {
    const task = await tx.get(taskBucket, taskId);
    if (task === undefined) return undefined;
    checkSettled(task);
    tx.delete(taskBucket, taskId);
    tx.emit({ type: 'task.removed', subject: taskId, data: { state: task.state } });
    await alongside(tx, task);
    return task;
  });
}

function checkSettled({ taskId, state, attempts }: TaskRecord): void {
  if (!isFinalTaskState(state))
    throw new TaskError('ERR_TASK_NOT_OVER', `Task ${taskId} is ${state}: it is not over`, { taskId, state });
  const open = attempts.find(({ phase }) => phase !== 'Done');
  if (open === undefined) return;
  const { number, phase, agreementId } = open;
  const what =
    phase === 'Settling'
      ? `the bill of its attempt ${number} is not settled`
      : `its attempt ${number} is still being closed`;
  throw new TaskError(
    'ERR_TASK_NOT_SETTLED',
    `Task ${taskId} is ${state}, but ${what} (agreement ${agreementId})`,
    {
      taskId,
      state,
      agreementId,
    },
  );
}
