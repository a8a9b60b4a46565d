import { Type } from 'typebox';
import type { EventQuery } from '../../../interface/index.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { ApiError } from '../../errors.ts';
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
        await requireKept(context, from);
        return context.streams.send(reply, (signal) => live(context, { ...filter, after: from }, signal));
      }
      await requireKept(context, after);
      const looked = context.events.last();
      const items = await context.events.query({ ...filter, after: after ?? 0, limit });
      // All up to there was looked at, whatever of it fits: it need not be again.
      const seen = items.length < limit ? looked : 0;
      return reply.send({ items, next: Math.max(seen, items.at(-1)?.seq ?? after ?? 0) });
    },
  );
};

/** Who goes on from somewhere must not miss what was there; who begins, begins with the oldest that is kept. */
async function requireKept({ events }: Pick<RouteContext, 'events'>, after = 0): Promise<void> {
  if (after === 0) return;
  const oldest = await events.oldest();
  if (after >= oldest - 1) return;
  throw new ApiError(
    'ERR_API_EVENTS_GONE',
    `Events after ${after} are kept from ${oldest} on: those before were removed after their retention time`,
    { after, oldest },
  );
}

async function* live(
  { events }: RouteContext,
  query: EventQuery,
  signal: AbortSignal,
): AsyncIterable<SseMessage> {
  for await (const event of events.follow(query, signal)) yield eventMessage(event);
}
