import { Type, type TSchema } from 'typebox';
import { Id, Timestamp, type JsonValue, type StoredEvent } from '../../interface/index.ts';
import type { SseMessage } from '../sse.ts';
import { closed } from './common.ts';

const Data = Type.Unsafe<JsonValue>(Type.Unknown() satisfies TSchema);

export const EventView = Type.Object(
  {
    seq: Type.Integer({ minimum: 1, description: 'The total order of this node’s events' }),
    at: Timestamp,
    type: Type.String(),
    subject: Id,
    data: Data,
  },
  closed,
);

/** An event as the stream of events sends it. */
export function eventMessage(event: StoredEvent): SseMessage {
  return { id: String(event.seq), event: event.type, data: JSON.stringify(event) };
}

/** The `Last-Event-ID` of a stream of events: their `seq`. */
export function lastSeq(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
