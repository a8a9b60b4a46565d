import type { TaskState } from '../interface/index.ts';
import { TaskError } from './errors.ts';

/**
 * The life of a task at the requestor.
 *
 *   Scheduled ─┐
 *   Waiting ───┼─► Queued ─► InProgress ─► Succeeded
 *   Blocked ───┘     ▲           │ ├─────► Failed
 *                    └── retry ──┘ ├─────► AwaitingCompletion ─► Succeeded | Failed
 *   every state that has not ended ┴─────► Canceled
 */
export const TASK_TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  Scheduled: ['Queued', 'Canceled'],
  Waiting: ['Queued', 'Canceled', 'Blocked'],
  Blocked: ['Queued', 'Waiting', 'Canceled'],
  Queued: ['InProgress', 'Blocked', 'Failed', 'Canceled'],
  InProgress: ['Queued', 'AwaitingCompletion', 'Succeeded', 'Failed', 'Canceled'],
  AwaitingCompletion: ['Succeeded', 'Failed', 'Canceled'],
  Succeeded: [],
  Failed: [],
  Canceled: [],
};

/** Returns `to`, or throws and changes nothing. */
export function transition(from: TaskState, to: TaskState): TaskState {
  if (!TASK_TRANSITIONS[from].includes(to))
    throw new TaskError('ERR_TASK_ILLEGAL_TRANSITION', `a task that is ${from} cannot become ${to}`, {
      from,
      to,
    });
  return to;
}
