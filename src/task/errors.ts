import { ErgonError, type ErrorCatalogue } from '../interface/index.ts';

export type TaskErrorCode =
  | 'ERR_TASK_NOT_FOUND'
  | 'ERR_TASK_ID_CONFLICT'
  | 'ERR_TASK_PACKAGE_NOT_FOUND'
  | 'ERR_TASK_ILLEGAL_TRANSITION'
  | 'ERR_TASK_NOT_OVER'
  | 'ERR_TASK_NOT_SETTLED'
  | 'ERR_TASK_SPEC';

export class TaskError extends ErgonError<TaskErrorCode> {}

export const taskErrors: ErrorCatalogue<TaskErrorCode> = {
  ERR_TASK_NOT_FOUND: { meaning: 'No task has this id.', remedy: 'List the tasks with `ergon task list`.' },
  ERR_TASK_ID_CONFLICT: {
    meaning: 'A task with this id exists, with another specification.',
    remedy: 'Submit under a new id, or leave the id out.',
  },
  ERR_TASK_PACKAGE_NOT_FOUND: {
    meaning: 'The task names a package, an input or a stdin that was never uploaded to this node.',
    remedy: 'Upload it first: `ergon package add FILE`, or POST /v1/packages.',
  },
  ERR_TASK_ILLEGAL_TRANSITION: {
    meaning: 'The task cannot go from its state to the one asked for.',
    remedy: 'Read its state again; it may have ended meanwhile.',
  },
  ERR_TASK_NOT_OVER: {
    meaning: 'The task cannot be removed while it is not over.',
    remedy: 'Wait for its end, or stop it with `ergon task cancel`; then remove it.',
  },
  ERR_TASK_NOT_SETTLED: {
    meaning:
      'The task is over, but cannot be removed before its agreements are closed and their bills settled.',
    remedy:
      'Wait a moment and repeat: `ergon task show` says where its attempts are, `ergon invoice list` which bills are open. A provider that sends no invoice is waited for as long as `retention.days` says.',
  },
  ERR_TASK_SPEC: {
    meaning: 'The specification contradicts itself.',
    remedy: 'Mend what the message names and submit again.',
  },
};
