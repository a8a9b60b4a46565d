import { Type } from 'typebox';
import type { LogSlice } from '../../../interface/index.ts';
import { base64, firstSlice, pastChunks, sendBytes } from '../../log-stream.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { closed, IdParams, LastEventId, LogQuery } from '../../schemas/common.ts';
import { SSE_TYPE, wantsEvents, type SseMessage } from '../../sse.ts';
import { followSteps, pastSteps, type TaskLogPosition, type TaskLogStep } from '../../task-log.ts';
import { found } from '../found.ts';

const Query = Type.Object(
  {
    ...LogQuery,
    attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'Default: the latest' })),
  },
  closed,
);
const SUMMARY =
  'The program’s stdout or stderr. As text/event-stream: `data` is base64, `id` is attempt:offset after the data, ' +
  'Last-Event-ID resumes there, and the event `end` is the last. Otherwise the bytes themselves.';

export const taskLogRoutes: Routes = (app, context) => {
  app.get(
    '/tasks/:id/logs',
    {
      config: { scope: 'read', produces: ['application/octet-stream', SSE_TYPE] },
      schema: { summary: SUMMARY, params: IdParams, querystring: Query, headers: LastEventId },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { stream, offset = 0, follow } = request.query;
      const task = found('task', id, await context.tasks.get(id));
      const attempt = request.query.attempt ?? Math.max(1, task.attempts.length);
      const from = { taskId: id, stream, attempt, offset };
      if (wantsEvents(request)) {
        const resumed = { ...from, ...resume(request.headers['last-event-id']) };
        return context.streams.send(reply, (signal) => messages(context, resumed, follow, signal));
      }
      if (follow) return sendBytes(reply, context, (signal) => slices(followSteps(context, from, signal)));
      const activityId = task.attempts.find(({ number }) => number === attempt)?.activityId;
      const activity = activityId === undefined ? undefined : await context.books.activities.get(activityId);
      if (activityId === undefined || activity === undefined)
        return sendBytes(reply, context, () => slices([]), 0);
      const at = { activityId, stream, offset };
      const { end } = await firstSlice(context, at);
      return sendBytes(reply, context, () => pastChunks(context, at, end), end - offset);
    },
  );
};

async function* slices(steps: AsyncIterable<TaskLogStep> | TaskLogStep[]): AsyncIterable<LogSlice> {
  for await (const { slice } of steps) if (slice !== undefined) yield slice;
}

async function* messages(
  context: RouteContext,
  from: TaskLogPosition,
  follow: boolean,
  signal: AbortSignal,
): AsyncIterable<SseMessage> {
  let number = from.attempt;
  for await (const { attempt, slice } of follow
    ? followSteps(context, from, signal)
    : pastSteps(context, from)) {
    number = attempt.number;
    if (slice === undefined) {
      yield { event: 'attempt', data: JSON.stringify({ attempt: number, activityId: attempt.activityId }) };
    } else {
      const end = slice.offset + slice.bytes.byteLength;
      yield { id: `${number}:${end}`, event: from.stream, data: base64(slice.bytes) };
    }
  }
  yield { event: 'end', data: JSON.stringify({ attempt: number }) };
}

/** `2:4096`: the second attempt's log from its offset 4096. */
function resume(id: string | undefined): { attempt: number; offset: number } | undefined {
  const match = /^(\d{1,2}):(\d{1,15})$/.exec(id ?? '');
  return match === null ? undefined : { attempt: Number(match[1]), offset: Number(match[2]) };
}
