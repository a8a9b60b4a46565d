import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import { clientGone, hold } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import { clientEventBucket, clientEventKey, type ClientEvent } from './records.ts';
import { parseMicros, timeoutMs } from '../time.ts';
import type { EventRecorder } from './recorder.ts';

const MAX_EVENTS = 1000;

export const PollQuery = Type.Object({
  timeout: Type.Optional(Type.String({ maxLength: 32 })),
  afterTimestamp: Type.Optional(Type.String({ maxLength: 64 })),
  maxEvents: Type.Optional(Type.Integer()),
  appSessionId: Type.Optional(Type.String({ maxLength: 256 })),
});

/** Answers a long-poll: events after the cursor, at once when there are some, else after the whole wait. */
export async function poll(
  context: Pick<YagnaContext, 'store' | 'clock' | 'stopSignal'>,
  recorder: EventRecorder,
  kind: ClientEvent['kind'],
  query: Static<typeof PollQuery>,
  reply: FastifyReply,
): Promise<ClientEvent['body'][]> {
  const { appSessionId, afterTimestamp, maxEvents = 10 } = query;
  const where =
    appSessionId === undefined
      ? { index: 'kind', equals: kind }
      : { index: 'session', equals: `${kind} ${appSessionId}` };
  const after =
    afterTimestamp === undefined ? {} : { after: clientEventKey(Math.max(0, parseMicros(afterTimestamp))) };
  const limit = Math.min(Math.max(1, maxEvents), MAX_EVENTS);
  const wait = {
    timeoutMs: timeoutMs(query.timeout),
    wakes: [recorder.recorded.notifications],
    signal: clientGone(reply),
  };
  const found = await hold(context, wait, async () => {
    const events = await context.store.list(clientEventBucket, { where, ...after, limit });
    return events.length > 0 ? events.map(({ value }) => value.body) : undefined;
  });
  return found ?? [];
}
