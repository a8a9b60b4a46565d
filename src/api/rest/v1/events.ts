import { Type } from 'typebox';
import type { EventQuery } from '../../../interface/index.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { answers, closed, LastEventId, MAX_PAGE } from '../../schemas/common.ts';
import { eventMessage, EventView, lastSeq } from '../../schemas/event.ts';
import { SSE_TYPE, wantsEvents, type SseMessage } from '../../sse.ts';

const Query = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: 'Events with a greater seq' })),
    limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: 100 }),
    type: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9.-]{0,63}(,[a-z][a-z0-9.-]{0,63}){0,31}$',
        description: 'Types, by comma',
      }),
    ),
    subject: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
  },
  closed,
);
/** Not `page()`: events go oldest first, and `next` is where to go on even at the end. */
const EventPage = Type.Object({ items: Type.Array(EventView), next: Type.Integer() }, closed);

export const eventRoutes: Routes = (app, context) => {
  app.get(
    '/events',
    {
      config: { scope: 'read', produces: [SSE_TYPE] },
      schema: {
        summary:
          'What happened on this node, oldest first. As text/event-stream: from `after` or Last-Event-ID (or from now), past then live.',
        querystring: Query,
        headers: LastEventId,
        response: answers({ 200: EventPage }),
      },
    },
    async (request, reply) => {
      const { after, limit, type, subject } = request.query;
      const filter = {
        ...(type !== undefined && { types: type.split(',') }),
        ...(subject !== undefined && { subject }),
      };
      if (wantsEvents(request)) {
        const from = lastSeq(request.headers['last-event-id']) ?? after ?? context.events.last();
        return context.streams.send(reply, (signal) => live(context, { ...filter, after: from }, signal));
      }
      const items = await context.events.query({ ...filter, after: after ?? 0, limit });
      return reply.send({ items, next: items.at(-1)?.seq ?? after ?? 0 });
    },
  );
};

async function* live(
  { events }: RouteContext,
  query: EventQuery,
  signal: AbortSignal,
): AsyncIterable<SseMessage> {
  for await (const event of events.follow(query, signal)) yield eventMessage(event);
}
