import { Type, type Static } from 'typebox';
import { Bytes, type Bucket } from '../../../../interface/index.ts';
import { checker } from '../../../../util/check.ts';

const closed = { additionalProperties: false } as const;

/** An event of agreements, debit notes or invoices under its cursor, microseconds since the epoch. */
export const ClientEvent = Type.Object(
  {
    micros: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    kind: Type.Union([
      Type.Literal('agreement'),
      Type.Literal('debitNote'),
      Type.Literal('invoice'),
      Type.Literal('activity'),
    ]),
    appSessionId: Type.Optional(Type.String({ maxLength: 256 })),
    body: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()),
  },
  closed,
);
export type ClientEvent = Static<typeof ClientEvent>;
export const clientEventBucket: Bucket<ClientEvent> = {
  name: 'yagna-events',
  check: checker(ClientEvent, 'event for clients'),
  indexes: {
    kind: (event) => [event.kind],
    session: (event) => (event.appSessionId === undefined ? [] : [`${event.kind} ${event.appSessionId}`]),
  },
};
/** Keys in the order of the cursors. */
export const clientEventKey = (micros: number): string => String(micros).padStart(17, '0');

/** How far the store's events have been turned into clients' events; one record. */
const Position = Type.Object({ seq: Bytes, micros: Bytes }, closed);
export const positionBucket: Bucket<Static<typeof Position>> = {
  name: 'yagna-position',
  check: checker(Position, 'position of the event recorder'),
};
