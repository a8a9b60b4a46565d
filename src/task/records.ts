import type {
  Clock,
  JsonValue,
  Reason,
  Store,
  TaskAttempt,
  TaskPhase,
  TaskRecord,
  TaskState,
  Transaction,
} from '../interface/index.ts';
import { isFinalTaskState } from '../interface/index.ts';
import { taskBucket } from './bucket.ts';
import { TaskError } from './errors.ts';
import { transition } from './machine.ts';

/** What the runner tells people in each phase, and how far along that is. */
const PROGRESS: Readonly<Record<TaskPhase, { percent: number; message: string }>> = {
  Agreeing: { percent: 5, message: 'looking for a provider and agreeing on a price' },
  Creating: { percent: 20, message: 'creating the activity' },
  Running: { percent: 40, message: 'deployed and running at the provider' },
  Collecting: { percent: 90, message: 'fetching the results' },
  Closing: { percent: 95, message: 'ending the activity and the agreement' },
  Settling: { percent: 100, message: 'done; the invoice is being settled' },
  Done: { percent: 100, message: 'done' },
};

/** The records of tasks, changed one transaction at a time. */
export interface TaskRecords {
  get(taskId: string): Promise<TaskRecord>;
  /** Applies `change` to the stored record; `undefined` from it changes nothing. */
  update(taskId: string, change: (task: TaskRecord) => TaskRecord | undefined): Promise<TaskRecord>;
}

/** The records, in a store. Throws ERR_TASK_NOT_FOUND for an id that there is not. */
export function taskRecords(components: { store: Store }): TaskRecords {
  const { store } = components;
  return {
    async get(taskId) {
      return required(taskId, await store.get(taskBucket, taskId));
    },
    update: (taskId, change) =>
      store.transact(async (tx) => {
        const before = required(taskId, await tx.get(taskBucket, taskId));
        const after = change(before);
        if (after === undefined) return before;
        put(tx, before, after);
        return after;
      }),
  };
}

/** Stores the record with the event that tells what changed. */
export function put(tx: Transaction, before: TaskRecord | undefined, after: TaskRecord): void {
  tx.put(taskBucket, after.taskId, after);
  const type =
    before === undefined
      ? 'task.submitted'
      : before.state === after.state
        ? 'task.progressed'
        : 'task.state-changed';
  const attempt = after.attempts.at(-1);
  tx.emit({
    type,
    subject: after.taskId,
    data: {
      state: after.state,
      progress: after.progress,
      ...(after.reason === undefined ? {} : { reason: after.reason as JsonValue }),
      ...(attempt === undefined
        ? {}
        : {
            attempt: attempt.number,
            phase: attempt.phase,
            agreementId: attempt.agreementId,
            activityId: attempt.activityId,
          }),
    },
  });
}

function required(taskId: string, task: TaskRecord | undefined): TaskRecord {
  if (task === undefined) throw new TaskError('ERR_TASK_NOT_FOUND', `there is no task ${taskId}`, { taskId });
  return task;
}

/** The record in another state. */
export function inState(task: TaskRecord, state: TaskState, clock: Clock, reason?: Reason): TaskRecord {
  return {
    ...task,
    state: transition(task.state, state),
    stateChangedAt: clock.now(),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The record with attempt `number` changed, and the progress line of the phase while the task lives. */
export function withAttempt(task: TaskRecord, number: number, change: Partial<TaskAttempt>): TaskRecord {
  const attempts = task.attempts.map((attempt) =>
    attempt.number === number ? { ...attempt, ...change } : attempt,
  );
  const progress = change.phase === undefined ? task.progress : PROGRESS[change.phase];
  return {
    ...task,
    attempts,
    progress: isFinalTaskState(task.state) && progress.percent < 100 ? task.progress : progress,
  };
}
