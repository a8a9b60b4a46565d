import { Type, type Static } from 'typebox';
import {
  ACTIVITY_STATES,
  Bytes,
  CommandResult,
  Holds,
  Id,
  Reason,
  Timestamp,
  UsageSample,
  type JournalRecord,
} from '../interface/index.ts';

const closed = { additionalProperties: false } as const;
const head = { seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), at: Timestamp };
const State = Type.Enum([...ACTIVITY_STATES]);
const index = Type.Integer({ minimum: 0, maximum: 255 });

/**
 * One step in an activity's life as both parties' books take it in: the journal without what is the supervisor's own
 * business. `seq` is the journal's; steps may be missing between two, order never changes.
 */
export const ActivityUpdate = Type.Union([
  Type.Object(
    {
      ...head,
      type: Type.Literal('state'),
      state: State,
      pending: Type.Optional(State),
      /** Who keeps the activity suspended from now on. */
      holds: Type.Optional(Holds),
      reason: Type.Optional(Reason),
    },
    closed,
  ),
  Type.Object({ ...head, type: Type.Literal('command-started'), batchId: Id, index }, closed),
  Type.Object(
    { ...head, type: Type.Literal('command-finished'), batchId: Id, result: CommandResult },
    closed,
  ),
  Type.Object(
    {
      ...head,
      type: Type.Literal('progress'),
      batchId: Id,
      index,
      done: Bytes,
      total: Type.Optional(Bytes),
      message: Type.String({ maxLength: 256 }),
    },
    closed,
  ),
  Type.Object({ ...head, type: Type.Literal('batch-finished'), batchId: Id }, closed),
  Type.Object({ ...head, type: Type.Literal('usage'), sample: UsageSample }, closed),
]);
export type ActivityUpdate = Static<typeof ActivityUpdate>;

/** What a journal record tells the books; undefined for the supervisor's own. */
export function toUpdate(record: JournalRecord): ActivityUpdate | undefined {
  switch (record.type) {
    case 'created':
    case 'batch':
    case 'need':
    case 'fetch':
    case 'deliver':
    case 'handle':
      return undefined;
    case 'state': {
      const { holds, ...rest } = record;
      return holds === undefined ? rest : { ...rest, holds: [...holds] };
    }
    default:
      return record;
  }
}
