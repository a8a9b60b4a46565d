import {
  isFinalTaskState,
  type LogSlice,
  type LogStream,
  type TaskAttempt,
  type TaskRecord,
} from '../interface/index.ts';
import { delay } from '../util/delay.ts';
import { firstSlice, followChunks, pastChunks } from './log-stream.ts';
import type { RouteContext } from './route.ts';

/** A place in the logs of a task, whose attempts have a log each. */
export interface TaskLogPosition {
  readonly taskId: string;
  readonly stream: LogStream;
  readonly attempt: number;
  readonly offset: number;
}

/** An attempt's log begins (without a slice), or a piece of it. */
export interface TaskLogStep {
  readonly attempt: TaskAttempt;
  readonly slice?: LogSlice;
}

/** What there is of one attempt's log now. */
export async function* pastSteps(context: RouteContext, from: TaskLogPosition): AsyncIterable<TaskLogStep> {
  const attempt = attemptOf(await context.tasks.get(from.taskId), from.attempt);
  if (attempt === undefined || !(await hasActivity(context, attempt))) return;
  const at = { activityId: attempt.activityId, stream: from.stream, offset: from.offset };
  const { end } = await firstSlice(context, at);
  for await (const slice of pastChunks(context, at, end)) yield { attempt, slice };
}

/** The log of this attempt and, should it be replaced, of the next ones, until the task has ended. */
export async function* followSteps(
  context: RouteContext,
  from: TaskLogPosition,
  signal: AbortSignal,
): AsyncIterable<TaskLogStep> {
  const { taskId, stream } = from;
  let { attempt: number, offset } = from;
  do {
    const attempt = await begun(context, taskId, number, signal);
    if (attempt !== undefined) {
      if (offset === 0) yield { attempt };
      const isOver = async (): Promise<boolean> => isClosed(await context.tasks.get(taskId), number);
      const at = { activityId: attempt.activityId, stream, offset };
      for await (const slice of followChunks(context, at, { isOver, signal, patienceMs: 0 }))
        yield { attempt, slice };
    }
    number += 1;
    offset = 0;
  } while (await follows(context, taskId, number, signal));
}

/** Waits for the attempt's activity; undefined when there will be none. */
async function begun(
  context: RouteContext,
  taskId: string,
  number: number,
  signal: AbortSignal,
): Promise<TaskAttempt | undefined> {
  for (;;) {
    const task = await context.tasks.get(taskId);
    const attempt = attemptOf(task, number);
    if (attempt !== undefined && (await hasActivity(context, attempt))) return attempt;
    if (isClosed(task, number)) return undefined;
    await delay(context.clock, context.limits.logPollIntervalMs, signal);
  }
}

/** Waits; true when attempt `number` exists, false when the task has ended without. */
async function follows(
  context: RouteContext,
  taskId: string,
  number: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const task = await context.tasks.get(taskId);
    if (attemptOf(task, number) !== undefined) return true;
    if (task === undefined || isFinalTaskState(task.state)) return false;
    await delay(context.clock, context.limits.logPollIntervalMs, signal);
  }
}

async function hasActivity({ books }: RouteContext, attempt: TaskAttempt): Promise<boolean> {
  return (await books.activities.get(attempt.activityId)) !== undefined;
}

function attemptOf(task: TaskRecord | undefined, number: number): TaskAttempt | undefined {
  return task?.attempts.find((attempt) => attempt.number === number);
}

function isClosed(task: TaskRecord | undefined, number: number): boolean {
  return task === undefined || isFinalTaskState(task.state) || attemptOf(task, number)?.endedAt !== undefined;
}
