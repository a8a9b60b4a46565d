import { isFinalTaskState, type Clock, type TaskAttempt, type TaskRecord } from '../interface/index.ts';
import type { NewId } from '../util/id.ts';
import { inState, withAttempt, type TaskRecords } from './records.ts';

interface AttemptComponents {
  readonly records: TaskRecords;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** Stores a new attempt with all its ids before any of them is used, so that a restart uses the same ones. */
export async function newAttempt(task: TaskRecord, components: AttemptComponents): Promise<void> {
  const { records, clock, newId } = components;
  const attempt: TaskAttempt = {
    number: task.attempts.length + 1,
    agreementId: newId(),
    activityId: newId(),
    batchId: newId(),
    phase: 'Agreeing',
    startedAt: clock.now(),
  };
  await records.update(task.taskId, (now) => {
    if (now.state !== 'Queued') return undefined;
    const begun = inState({ ...now, attempts: [...now.attempts, attempt] }, 'InProgress', clock);
    return withAttempt(begun, attempt.number, { phase: 'Agreeing' });
  });
}

/** The task is Canceled at once; its attempt, if there is one, still has to be closed at the provider. */
export async function cancelNow(task: TaskRecord, { records, clock }: AttemptComponents): Promise<void> {
  const reason = { code: 'Canceled', message: 'canceled by the requestor' };
  await records.update(task.taskId, (now) => {
    if (isFinalTaskState(now.state)) return undefined;
    const canceled = inState(now, 'Canceled', clock, reason);
    const attempt = now.attempts.at(-1);
    const live = attempt !== undefined && attempt.phase !== 'Settling' && attempt.phase !== 'Done';
    return live ? withAttempt(canceled, attempt.number, { phase: 'Closing', reason }) : canceled;
  });
}
