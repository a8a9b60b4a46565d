import {
  isFinalTaskState,
  TaskRecord,
  type Bucket,
  type TaskSpec,
  type Transaction,
} from '../interface/index.ts';
import { checker } from '../util/check.ts';

/** The requestor's tasks, by taskId. */
export const taskBucket: Bucket<TaskRecord> = {
  name: 'tasks',
  check: checker(TaskRecord, 'task record'),
  indexes: {
    state: (task) => [task.state],
    agreement: (task) => task.attempts.map((attempt) => attempt.agreementId),
    /** Blobs that it names: its package, inputs, stdin, and what it has put out. */
    blob: blobsOf,
    /** Whether the runner still has something to do: `yes` or nothing. */
    open: (task) => (isOpen(task) ? ['yes'] : []),
  },
};

/** Each once. */
export function blobsOf({ spec, result }: TaskRecord): string[] {
  return [...new Set([...inputsOf(spec), ...outputsOf(result)])];
}

/** The package and all else that must be here before it can run. */
export function inputsOf({ package: taskPackage, inputs, stdin }: TaskSpec): string[] {
  return [taskPackage, ...inputs.map(({ blob }) => blob), ...(stdin === undefined ? [] : [stdin])];
}

function outputsOf(result: TaskRecord['result']): string[] {
  return result?.outputs.map(({ blob }) => blob) ?? [];
}

/** For books of a release that did not find tasks by their blobs. */
export async function reindexTasks(tx: Transaction): Promise<void> {
  for (const { id, value } of await tx.list(taskBucket)) tx.put(taskBucket, id, value);
}

/** True while the task has not ended, or one of its attempts is not closed at the provider yet. */
export function isOpen(task: TaskRecord): boolean {
  return (
    !isFinalTaskState(task.state) ||
    task.attempts.some((attempt) => attempt.phase !== 'Done' && attempt.phase !== 'Settling')
  );
}
