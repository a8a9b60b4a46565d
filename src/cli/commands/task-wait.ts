import { CliError } from '../errors.ts';
import { guestExitStatus } from '../exit-status.ts';
import { amount } from '../format.ts';
import { followLog } from '../logs.ts';
import { progress } from '../progress.ts';
import type { Session } from '../session.ts';
import { isFinalTaskState } from '../../interface/index.ts';
import { TaskView } from '../views.ts';
import { saveOutputs } from './task-result.ts';

const POLL_INTERVAL_MS = 500;

/**
 * Stays with a task until it has ended: its streams on this process's own, its outputs downloaded, and its exit code
 * as the status. With --json, stdout is left to the one document at the end.
 */
export async function waitForTask(
  session: Session,
  taskId: string,
  outputs: readonly string[],
): Promise<number> {
  const stop = new AbortController();
  const uninterrupt = session.io.onInterrupt(() => stop.abort());
  try {
    await stayUntilEnd(session, taskId, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const message = `Task ${taskId} goes on. Come back with \`ergon task logs -f ${taskId}\`, or \`ergon task cancel ${taskId}\``;
    throw new CliError('ERR_CLI_INTERRUPTED', message, { taskId });
  } finally {
    uninterrupt();
  }
  const task = await look(session, taskId);
  if (task.state === 'Succeeded') await saveOutputs(session, task, outputs);
  if (session.json) await session.print(task, () => '');
  else await session.note(await lastWords(session, task));
  const exitCode = task.result?.exitCode;
  if (exitCode !== undefined && (exitCode !== 0 || task.state === 'Succeeded'))
    return guestExitStatus(exitCode);
  const why = task.reason === undefined ? '' : `: ${task.reason.message} (${task.reason.code})`;
  throw new CliError('ERR_CLI_TASK_FAILED', `Task ${taskId} is ${task.state}${why}`, {
    taskId,
    state: task.state,
  });
}

async function stayUntilEnd(session: Session, taskId: string, signal: AbortSignal): Promise<void> {
  const { io } = session;
  const client = await session.client();
  const path = `/v1/tasks/${taskId}/logs`;
  const shown = await progress(io.stderr, session.json);
  const line = { free: true };
  const onFirst = (): void => {
    line.free = false;
    shown.clear();
  };
  const onRestart = (): void => void session.note('The provider failed; another one runs it from the start.');
  const follow = (stream: 'stdout' | 'stderr'): Promise<void> =>
    followLog(client, path, io[stream], io, { query: { stream, attempt: 1 }, signal, onFirst, onRestart });
  const logs = session.json ? Promise.resolve() : Promise.all([follow('stdout'), follow('stderr')]);
  // Taken care of below; a rejection must not count as unhandled meanwhile.
  logs.catch(() => undefined);
  try {
    for (
      let task = await look(session, taskId);
      !isFinalTaskState(task.state);
      task = await look(session, taskId)
    ) {
      // The line is the program's once it has said something.
      if (line.free) shown.say(`${task.progress.percent}% ${task.progress.message}`);
      await io.sleep(POLL_INTERVAL_MS, signal);
    }
    await logs;
  } finally {
    shown.clear();
  }
}

async function look(session: Session, taskId: string): Promise<TaskView> {
  return (await session.client()).get(`/v1/tasks/${taskId}`, TaskView);
}

async function lastWords(session: Session, task: TaskView): Promise<string> {
  const { bill } = task;
  const cost = amount(bill.accepted, bill.platform, await session.tokens());
  return `${task.state}, ${cost} accepted so far; details: ergon task show ${task.taskId}`;
}
