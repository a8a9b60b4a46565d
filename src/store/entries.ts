import { Type, type Static } from 'typebox';
import type { JsonValue, PendingMessage, StoredEvent } from '../interface/store.ts';
import { checker } from '../util/check.ts';
import { decodeEntry } from './entry.ts';
import { StoreError } from './errors.ts';

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });
const Json = Type.Unsafe<JsonValue>({});

/** A record on disk. Its index terms stand beside it, so that they can be removed whatever the index is by then. */
const RecordEntry = Type.Object(
  { rev: Count, ix: Type.Array(Type.Tuple([Type.String(), Type.String()])), v: Json },
  closed,
);
export type RecordEntry = Static<typeof RecordEntry>;

const EventEntry = Type.Object(
  { seq: Count, at: Type.Number(), type: Type.String(), subject: Type.String(), data: Json },
  closed,
);

const MessageEntry = Type.Object(
  {
    id: Type.String(),
    peerId: Type.String(),
    protocol: Type.String(),
    kind: Type.String(),
    body: Json,
    expiresAt: Type.Number(),
    sequence: Count,
  },
  closed,
);

/** Written with every commit, in the same batch. */
const CommitEntry = Type.Object(
  {
    number: Count,
    at: Type.Number(),
    events: Count,
    entries: Count,
    accumulator: Type.String({ pattern: '^[0-9a-f]{1,64}$' }),
  },
  closed,
);
export type CommitEntry = Static<typeof CommitEntry>;

/** What these books are. */
const MetaEntry = Type.Object(
  { storeId: Type.String(), identity: Type.Optional(Type.String()), format: Count, schemaVersion: Count },
  closed,
);
export type MetaEntry = Static<typeof MetaEntry>;

/**
 * Readers of what stands under each kind of key.
 * @throws StoreError ERR_STORE_DAMAGED when the checksum is wrong, ERR_STORE_VALUE when this release does not know the form
 */
export const parseRecord = parser(checker(RecordEntry, 'record on disk'));
export const parseEvent: (key: string, raw: string) => StoredEvent = parser(
  checker(EventEntry, 'event on disk'),
);
export const parseMessage: (key: string, raw: string) => PendingMessage = parser(
  checker(MessageEntry, 'message on disk'),
);
export const parseCommit = parser(checker(CommitEntry, 'commit record'));
export const parseMeta = parser(checker(MetaEntry, 'meta record'));
export const parseCounter = parser(checker(Count, 'counter on disk'));

function parser<T>(check: (value: unknown) => T): (key: string, raw: string) => T {
  return (key, raw) => {
    const payload = decodeEntry(key, raw);
    try {
      return check(JSON.parse(payload));
    } catch (cause) {
      // The checksum is right, so this is what some release wrote.
      throw new StoreError(
        'ERR_STORE_VALUE',
        `The entry ${key.replaceAll('\0', ' ')} is not of this release's form`,
        { key },
        { cause },
      );
    }
  };
}

/** Before the first commit. */
export const EMPTY_COMMIT: CommitEntry = { number: 0, at: 0, events: 0, entries: 0, accumulator: '0' };
