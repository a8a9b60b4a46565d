import { isFinalTaskState, TaskRecord, type Bucket } from '../interface/index.ts';
import { checker } from '../util/check.ts';

/** The requestor's tasks, by taskId. */
export const taskBucket: Bucket<TaskRecord> = {
  name: 'tasks',
  check: checker(TaskRecord, 'task record'),
  indexes: {
    state: (task) => [task.state],
    agreement: (task) => task.attempts.map((attempt) => attempt.agreementId),
    /** Whether the runner still has something to do: `yes` or nothing. */
    open: (task) => (isOpen(task) ? ['yes'] : []),
  },
};

/** True while the task has not ended, or one of its attempts is not closed at the provider yet. */
export function isOpen(task: TaskRecord): boolean {
  return (
    !isFinalTaskState(task.state) ||
    task.attempts.some((attempt) => attempt.phase !== 'Done' && attempt.phase !== 'Settling')
  );
}
