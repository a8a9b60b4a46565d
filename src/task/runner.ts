import {
  isFinalTaskState,
  isErgonError,
  type Agreements,
  type Clock,
  type Logger,
  type Reason,
  type TaskAttempt,
  type TaskRecord,
} from '../interface/index.ts';
import { delay } from '../util/delay.ts';
import { isOpen } from './bucket.ts';
import { AttemptLost, failed, phaseSteps, type PhasesComponents, type PhasesInit } from './phases.ts';
import { cancelNow, newAttempt } from './attempts.ts';
import { withAttempt } from './records.ts';

export interface RunnerInit extends PhasesInit {
  /** How long an unreachable provider may delay the end of an attempt before the agreement is ended without it. */
  readonly closeTimeoutMs: number;
}

export interface RunnerComponents extends PhasesComponents {
  readonly logger: Logger;
}

/** Carries tasks through their phases. */
export interface TaskRunner {
  /** Drives the task until nothing is left to do; a second call while it is driven does nothing. */
  drive(taskId: string): void;
  /** Breaks off the wait that the task is in, so that it looks at its record anew. */
  interrupt(taskId: string): void;
  /** Leaves every task where it is. */
  stop(): Promise<void>;
}

const INTERRUPTED = new Error('interrupted');

/** One loop a task: look at the record, do the phase it is in, store what came of it, look again. */
export function taskRunner(init: RunnerInit, components: RunnerComponents): TaskRunner {
  const { records, logger, clock } = components;
  const steps = phaseSteps(init, components);
  const close = closer(init, components);
  const stopping = new AbortController();
  const loops = new Map<string, { done: Promise<void>; interrupt: AbortController }>();

  async function step(task: TaskRecord, signal: AbortSignal): Promise<void> {
    const attempt = task.attempts.at(-1);
    if (task.cancelRequested === true && !isFinalTaskState(task.state)) return cancelNow(task, components);
    const closing = task.attempts.find((each) => each.phase === 'Closing');
    if (closing !== undefined) return close(task, closing, signal);
    if (attempt === undefined || attempt.phase === 'Settling' || attempt.phase === 'Done')
      return newAttempt(task, components);
    return runPhase(task, attempt, signal);
  }

  async function runPhase(task: TaskRecord, attempt: TaskAttempt, signal: AbortSignal): Promise<void> {
    const deadline = deadlineSignal(
      clock,
      attempt.startedAt + task.spec.limits.wallTimeMs + init.agreementSlackMs,
      signal,
    );
    try {
      await steps[attempt.phase]?.(task, attempt, deadline.signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = deadline.expired()
        ? { code: 'ProviderLost', message: 'the provider did not answer before the agreement ended' }
        : fatalReason(error);
      if (reason === undefined) throw error;
      await records.update(task.taskId, (now) => failed(now, attempt, reason, clock));
    } finally {
      deadline.cancel();
    }
  }

  async function loop(taskId: string, interrupt: AbortController): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, interrupt.signal]);
    const interrupted = (): boolean => signal.aborted;
    while (!interrupted()) {
      try {
        const task = await records.get(taskId);
        if (!isOpen(task)) return;
        await step(task, signal);
      } catch (error) {
        // One that has been removed needs nothing more.
        if (interrupted() || isErgonError(error, 'ERR_TASK_NOT_FOUND')) return;
        logger.warn({ taskId, error }, 'task phase failed; it will be tried again');
        await delay(clock, init.retryDelayMs, signal).catch(() => undefined);
      }
    }
  }

  function drive(taskId: string): void {
    if (stopping.signal.aborted || loops.has(taskId)) return;
    const interrupt = new AbortController();
    const done = loop(taskId, interrupt).finally(() => {
      loops.delete(taskId);
      if (interrupt.signal.aborted) drive(taskId);
    });
    loops.set(taskId, { done, interrupt });
  }

  return {
    drive,
    interrupt: (taskId) => {
      const running = loops.get(taskId);
      if (running === undefined) drive(taskId);
      else running.interrupt.abort(INTERRUPTED);
    },
    async stop() {
      stopping.abort(INTERRUPTED);
      await Promise.all([...loops.values()].map((running) => running.done));
    },
  };
}

/** A signal that aborts with `signal`, or at the time `at`. */
function deadlineSignal(clock: Clock, at: number, signal: AbortSignal) {
  const controller = new AbortController();
  const cancel = clock.setTimer(() => controller.abort(new Error('deadline')), Math.max(0, at - clock.now()));
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    expired: () => controller.signal.aborted,
    cancel,
  };
}

/** Ends the activity, then the agreement; an unreachable provider hears of it later, through the outbox. */
function closer(init: RunnerInit, components: RunnerComponents) {
  const { records, activities, agreements, clock, logger } = components;
  return async (task: TaskRecord, attempt: TaskAttempt, signal: AbortSignal): Promise<void> => {
    const activity = await activities.get(attempt.activityId);
    if (activity !== undefined && activity.state !== 'Completed' && activity.state !== 'Terminated') {
      const waited = new AbortController();
      const timeout = delay(clock, init.closeTimeoutMs, AbortSignal.any([signal, waited.signal]));
      const ended = activities.destroy(attempt.activityId, destroyReason(task, attempt));
      await Promise.race([
        ended.catch((error: unknown) =>
          logger.warn({ taskId: task.taskId, error }, 'the activity could not be ended'),
        ),
        timeout.catch(() => undefined),
      ]);
      waited.abort();
      if (signal.aborted) return;
    }
    const billed = await endAgreement(agreements, task, attempt);
    await records.update(task.taskId, (now) => {
      const settled = now.attempts.find((each) => each.number === attempt.number)?.settled === true;
      const phase = billed && !settled ? 'Settling' : 'Done';
      return withAttempt(now, attempt.number, { phase, endedAt: clock.now() });
    });
  };
}

const destroyReason = (task: TaskRecord, attempt: TaskAttempt): Reason | undefined =>
  task.state === 'Canceled' ? { code: 'Requestor', message: 'canceled by the requestor' } : attempt.reason;

/** False when there never was an agreement that could be billed. */
async function endAgreement(
  agreements: Agreements,
  task: TaskRecord,
  attempt: TaskAttempt,
): Promise<boolean> {
  const record = await agreements.get(attempt.agreementId);
  if (record?.approvedAt === undefined) return false;
  if (record.state === 'Approved')
    await agreements.terminate(
      attempt.agreementId,
      attempt.reason ?? { code: 'Success', message: 'the task is done', detail: { taskId: task.taskId } },
    );
  return true;
}

/** Failures that no repetition of the same phase can mend; others are tried again. */
function fatalReason(error: unknown): Reason | undefined {
  if (error instanceof AttemptLost) return error.reason;
  if (!isErgonError(error) || isTransient(error.code)) return undefined;
  return { code: error.code, message: error.message.slice(0, 2048) };
}

const isTransient = (code: string): boolean =>
  code === 'ERR_STORE_CONFLICT' || (code.startsWith('ERR_NETWORK_') && code !== 'ERR_NETWORK_REMOTE');
