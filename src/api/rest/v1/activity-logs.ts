import { Type } from 'typebox';
import {
  base64,
  firstSlice,
  followChunks,
  pastChunks,
  sendBytes,
  type LogPosition,
} from '../../log-stream.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { closed, IdParams, LastEventId, LogQuery } from '../../schemas/common.ts';
import { lastSeq } from '../../schemas/event.ts';
import { SSE_TYPE, wantsEvents, type SseMessage } from '../../sse.ts';
import { found } from '../found.ts';

/** An activity may have ended while its log still comes; a provider that vanished leaves it short. */
const PATIENCE_MS = 30_000;

export const activityLogRoutes: Routes = (app, context) => {
  app.get(
    '/activities/:id/logs',
    {
      config: { scope: 'read', produces: ['application/octet-stream', SSE_TYPE] },
      schema: {
        summary:
          'The activity’s stdout or stderr. As text/event-stream: `data` is base64, `id` the offset after it, and Last-Event-ID resumes there.',
        params: IdParams,
        querystring: Type.Object(LogQuery, closed),
        headers: LastEventId,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { stream, offset = 0, follow } = request.query;
      found('activity', id, await context.books.activities.get(id));
      const events = wantsEvents(request);
      const resumed = events ? lastSeq(request.headers['last-event-id']) : undefined;
      const at = { activityId: id, stream, offset: resumed ?? offset };
      const { end } = await firstSlice(context, at);
      const chunks = (signal: AbortSignal) =>
        follow
          ? followChunks(context, at, { isOver: () => isOver(context, id), signal, patienceMs: PATIENCE_MS })
          : pastChunks(context, at, end);
      if (events) return context.streams.send(reply, (signal) => messages(at, chunks(signal)));
      return sendBytes(reply, context, chunks, follow ? undefined : end - offset);
    },
  );
};

async function isOver({ books }: RouteContext, id: string): Promise<boolean> {
  const state = (await books.activities.get(id))?.state;
  return state === undefined || state === 'Completed' || state === 'Terminated';
}

async function* messages(at: LogPosition, chunks: ReturnType<typeof pastChunks>): AsyncIterable<SseMessage> {
  for await (const { bytes, offset } of chunks) {
    yield { id: String(offset + bytes.byteLength), event: at.stream, data: base64(bytes) };
  }
  yield { event: 'end', data: '{}' };
}
