import { Type } from 'typebox';
import { isFinalTaskState, type StoredEvent, type TaskRecord } from '../../../interface/index.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { closed, IdParams, LastEventId } from '../../schemas/common.ts';
import { eventMessage, lastSeq } from '../../schemas/event.ts';
import { SSE_TYPE, type SseMessage } from '../../sse.ts';
import { found } from '../found.ts';

const Query = Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0 })) }, closed);
const PAGE = 256;

export const taskEventRoutes: Routes = (app, context) => {
  app.get(
    '/tasks/:id/events',
    {
      config: { scope: 'read', produces: [SSE_TYPE] },
      schema: {
        summary:
          'Events of a task, its agreements and activities, past then live, until the last of its bills is settled',
        params: IdParams,
        querystring: Query,
        headers: LastEventId,
      },
    },
    async (request, reply) => {
      const task = found('task', request.params.id, await context.tasks.get(request.params.id));
      const after = lastSeq(request.headers['last-event-id']) ?? request.query.after ?? 0;
      return context.streams.send(reply, (signal) => taskEvents(context, task, after, signal));
    },
  );
};

async function* taskEvents(
  context: RouteContext,
  task: TaskRecord,
  after: number,
  signal: AbortSignal,
): AsyncIterable<SseMessage> {
  let current = task;
  // What came before the task was submitted is none of its business, and may be years of it.
  const [submitted] = await context.events.query({ subject: task.taskId, limit: 1 });
  let seq = Math.max(after, (submitted?.seq ?? 1) - 1);
  const concerns = ({ subject }: StoredEvent): boolean =>
    subject === current.taskId ||
    current.attempts.some(({ agreementId, activityId }) => subject === agreementId || subject === activityId);
  for (let page = await next(context, seq); page.length > 0; page = await next(context, seq)) {
    for (const event of page) if (concerns(event)) yield eventMessage(event);
    seq = page.at(-1)?.seq ?? seq;
    if (signal.aborted) return;
  }
  current = (await context.tasks.get(current.taskId)) ?? current;
  if (isSettled(current)) return;
  for await (const event of context.events.follow({ after: seq }, signal)) {
    // An attempt is written down before anything is done under its ids.
    if (event.subject === current.taskId) current = (await context.tasks.get(current.taskId)) ?? current;
    if (concerns(event)) yield eventMessage(event);
    if (isSettled(current)) return;
  }
}

async function next({ events }: RouteContext, after: number): Promise<StoredEvent[]> {
  return events.query({ after, limit: PAGE });
}

function isSettled(task: TaskRecord): boolean {
  return (
    isFinalTaskState(task.state) &&
    task.attempts.every(({ phase, settled }) => phase === 'Done' || settled === true)
  );
}
