import { Type } from 'typebox';
import { ActivityState, Holds, UsageSample } from '../interface/activity.ts';
import { CommandResult, RecordedScript, TransferUrl } from '../interface/exe-script.ts';
import { ExeUnitSpec, type JournalEntry, type JournalRecord } from '../interface/exe-unit.ts';
import { BlobHash, Bytes, Id, Reason, Timestamp } from '../interface/values.ts';
import { checker } from '../util/check.ts';

const closed = { additionalProperties: false } as const;
export const Index = Type.Integer({ minimum: 0, maximum: 255 });
export const ProgressMembers = {
  done: Bytes,
  total: Type.Optional(Bytes),
  message: Type.String({ maxLength: 256 }),
};

const common = { seq: Type.Integer({ minimum: 1 }), at: Timestamp };
const batchId = Id;

const JournalRecordSchema = Type.Union([
  Type.Object({ ...common, type: Type.Literal('created'), spec: ExeUnitSpec }, closed),
  Type.Object(
    {
      ...common,
      type: Type.Literal('state'),
      state: ActivityState,
      pending: Type.Optional(ActivityState),
      holds: Type.Optional(Holds),
      reason: Type.Optional(Reason),
    },
    closed,
  ),
  Type.Object({ ...common, type: Type.Literal('batch'), batchId, script: RecordedScript }, closed),
  Type.Object({ ...common, type: Type.Literal('command-started'), batchId, index: Index }, closed),
  Type.Object({ ...common, type: Type.Literal('need'), batchId, index: Index, hash: BlobHash }, closed),
  Type.Object(
    { ...common, type: Type.Literal('fetch'), batchId, index: Index, url: TransferUrl, maxBytes: Bytes },
    closed,
  ),
  Type.Object(
    {
      ...common,
      type: Type.Literal('deliver'),
      batchId,
      index: Index,
      url: TransferUrl,
      hash: BlobHash,
      sizeBytes: Bytes,
    },
    closed,
  ),
  Type.Object(
    { ...common, type: Type.Literal('progress'), batchId, index: Index, ...ProgressMembers },
    closed,
  ),
  Type.Object({ ...common, type: Type.Literal('command-finished'), batchId, result: CommandResult }, closed),
  Type.Object({ ...common, type: Type.Literal('batch-finished'), batchId }, closed),
  Type.Object(
    { ...common, type: Type.Literal('handle'), handle: Type.String({ maxLength: 65_536 }) },
    closed,
  ),
  Type.Object({ ...common, type: Type.Literal('usage'), sample: UsageSample }, closed),
]);

export const checkSpec: (value: unknown) => ExeUnitSpec = checker(
  ExeUnitSpec,
  'specification of an activity',
);
export const checkRecord: (value: unknown) => JournalRecord = checker(JournalRecordSchema, 'journal record');

export type { JournalEntry, JournalRecord };
