import { Type, type Static } from 'typebox';
import {
  ACTIVITY_STATES,
  ActivityLimits,
  BlobHash,
  Bytes,
  CommandResult,
  ExeScript,
  Id,
  Reason,
  TaskPackage,
  Timestamp,
  UsageSample,
} from '../interface/index.ts';
import { checker } from '../util/check.ts';
import { ActivityUpdate } from './updates.ts';

const closed = { additionalProperties: false } as const;
const State = Type.Enum([...ACTIVITY_STATES]);

/** The requestor asks, the provider answers. */
export const ACTIVITY_PROTOCOL = '/ergon/activity/1';

export const MAX_WAIT_MS = 30_000;
export const MAX_LOG_BYTES = 256 * 1024;
/** Updates in one answer. */
export const MAX_UPDATES = 64;

export const CreateRequest = Type.Object(
  { activityId: Id, agreementId: Id, package: Type.Optional(TaskPackage), limits: ActivityLimits },
  closed,
);
export type CreateRequest = Static<typeof CreateRequest>;

export const ExecRequest = Type.Object({ activityId: Id, batchId: Id, script: ExeScript }, closed);
export type ExecRequest = Static<typeof ExecRequest>;

export const GetRequest = Type.Object({ activityId: Id }, closed);
export type GetRequest = Static<typeof GetRequest>;

export const BatchRequest = Type.Object({ activityId: Id, batchId: Id }, closed);
export type BatchRequest = Static<typeof BatchRequest>;

/** Answered at once when there is something beyond `afterSeq` or beyond the log sizes named, else by `waitMs`. */
export const UpdatesRequest = Type.Object(
  {
    activityId: Id,
    afterSeq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    waitMs: Type.Integer({ minimum: 0, maximum: MAX_WAIT_MS }),
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
  },
  closed,
);
export type UpdatesRequest = Static<typeof UpdatesRequest>;

const Stream = Type.Union([Type.Literal('stdout'), Type.Literal('stderr')]);

export const LogRequest = Type.Object(
  {
    activityId: Id,
    stream: Stream,
    offset: Bytes,
    maxBytes: Type.Integer({ minimum: 1, maximum: MAX_LOG_BYTES }),
  },
  closed,
);
export type LogRequest = Static<typeof LogRequest>;

/** `suspend`, `resume` and `cancel-batch`: the answer comes when it is done, or after this long. */
export const HOLD_WAIT_MS = 10_000;
const HoldRequest = Type.Object({ activityId: Id }, closed);

/** The requestor has the blob: the provider need not keep it. */
export const OutputTaken = Type.Object({ activityId: Id, hash: BlobHash }, closed);
export type OutputTaken = Static<typeof OutputTaken>;

export const DestroyRequest = Type.Object({ activityId: Id, reason: Type.Optional(Reason) }, closed);
export type DestroyRequest = Static<typeof DestroyRequest>;

/** An activity as the provider's books have it: the answer to `create`, `get` and `destroy`. */
export const Snapshot = Type.Object(
  {
    activityId: Id,
    state: State,
    pending: Type.Optional(State),
    reason: Type.Optional(Reason),
    usage: Type.Optional(UsageSample),
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
    journalSeq: Type.Integer({ minimum: 0 }),
    createdAt: Timestamp,
  },
  closed,
);
export type Snapshot = Static<typeof Snapshot>;

/** The answer to `batch` and `exec`: the batch without its script, which the requestor has. */
const BatchAnswer = Type.Object(
  {
    batchId: Id,
    results: Type.Array(CommandResult, { maxItems: 256 }),
    finished: Type.Boolean(),
    createdAt: Timestamp,
  },
  closed,
);

export const UpdatesAnswer = Type.Object(
  {
    updates: Type.Array(ActivityUpdate, { maxItems: MAX_UPDATES }),
    /** There is more already: ask again without waiting. */
    more: Type.Boolean(),
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
    /** The logs will not grow any more. */
    logsFinal: Type.Boolean(),
  },
  closed,
);
export type UpdatesAnswer = Static<typeof UpdatesAnswer>;

export const LogAnswer = Type.Object(
  {
    offset: Bytes,
    end: Bytes,
    final: Type.Boolean(),
    /** base64 */
    data: Type.String({ maxLength: (MAX_LOG_BYTES / 3 + 1) * 4 }),
  },
  closed,
);
export type LogAnswer = Static<typeof LogAnswer>;

export const checkCreateRequest = checker(CreateRequest, 'activity create request');
export const checkExecRequest = checker(ExecRequest, 'activity exec request');
export const checkGetRequest = checker(GetRequest, 'activity get request');
export const checkBatchRequest = checker(BatchRequest, 'activity batch request');
export const checkUpdatesRequest = checker(UpdatesRequest, 'activity updates request');
export const checkLogRequest = checker(LogRequest, 'activity log request');
export const checkHoldRequest = checker(HoldRequest, 'activity suspend or resume request');
export const checkOutputTaken = checker(OutputTaken, 'notice of an output taken');
export const checkDestroyRequest = checker(DestroyRequest, 'activity destroy request');
export const checkSnapshot = checker(Snapshot, 'activity snapshot');
export const checkBatchAnswer = checker(BatchAnswer, 'batch');
export const checkUpdatesAnswer = checker(UpdatesAnswer, 'activity updates');
export const checkLogAnswer = checker(LogAnswer, 'activity log slice');
