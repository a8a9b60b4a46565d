import { Type, type Static } from 'typebox';
import { ActivityState, Holder } from '../../interface/activity.ts';
import { RecordedScript } from '../../interface/exe-script.ts';
import { BlobHash, Id, Reason, RuntimeName } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import { EXE_UNIT_ERROR_CODES, type ExeUnitErrorCode } from '../errors.ts';
import { Index, ProgressMembers } from '../schemas.ts';

/*
 * Daemon and supervisor: one JSON object a line, one request a connection, one reply; after `watch` the supervisor
 * goes on to say how far its journal has got, and the end of the connection says that it is no more.
 */

const closed = { additionalProperties: false } as const;
const FilePath = Type.String({ minLength: 1, maxLength: 4096, pattern: '^/[^\\0]*$' });

const Request = Type.Union([
  Type.Object({ op: Type.Literal('ping') }, closed),
  Type.Object({ op: Type.Literal('watch') }, closed),
  Type.Object({ op: Type.Literal('exec'), batchId: Id, script: RecordedScript }, closed),
  Type.Object(
    {
      op: Type.Literal('provide'),
      hash: BlobHash,
      result: Type.Union([Type.Object({ path: FilePath }, closed), Type.Object({ error: Reason }, closed)]),
    },
    closed,
  ),
  Type.Object(
    {
      op: Type.Literal('answer'),
      batchId: Id,
      index: Index,
      answer: Type.Union([
        Type.Object({ path: FilePath, hash: BlobHash }, closed),
        Type.Object({ delivered: Type.Literal(true) }, closed),
        Type.Object({ error: Reason }, closed),
      ]),
    },
    closed,
  ),
  Type.Object(
    {
      op: Type.Literal('report'),
      batchId: Id,
      index: Index,
      progress: Type.Object(ProgressMembers, closed),
    },
    closed,
  ),
  Type.Object({ op: Type.Literal('cancel'), batchId: Id }, closed),
  Type.Object({ op: Type.Union([Type.Literal('suspend'), Type.Literal('resume')]), by: Holder }, closed),
  Type.Object(
    {
      op: Type.Literal('end'),
      state: Type.Union([Type.Literal('Completed'), Type.Literal('Terminated')]),
      reason: Type.Optional(Reason),
    },
    closed,
  ),
]);
export type Request = Static<typeof Request>;

const Reply = Type.Union([
  Type.Object({ ok: Type.Literal(true), seq: Type.Integer({ minimum: 0 }), state: ActivityState }, closed),
  Type.Object(
    {
      ok: Type.Literal(false),
      code: Type.Union(EXE_UNIT_ERROR_CODES.map((code) => Type.Literal(code))),
      message: Type.String({ maxLength: 8192 }),
    },
    closed,
  ),
]);
export type Reply =
  { ok: true; seq: number; state: ActivityState } | { ok: false; code: ExeUnitErrorCode; message: string };

/** What follows the reply to `watch`. */
const Progress = Type.Object({ seq: Type.Integer({ minimum: 0 }) }, closed);

/** Over the pipes of a supervisor that has just been launched, daemon → supervisor: the activity to be. */
const Adopt = Type.Object({ spec: Type.Unknown(), directory: FilePath }, closed);
/** Supervisor → daemon. */
const LaunchReport = Type.Union([
  Type.Object({ type: Type.Literal('ready') }, closed),
  Type.Object({ type: Type.Literal('adopted') }, closed),
  Type.Object({ type: Type.Literal('failed'), message: Type.String({ maxLength: 8192 }) }, closed),
]);
export type LaunchReport = Static<typeof LaunchReport>;

/** The one argument of the supervisor's program. */
const LaunchSettings = Type.Object(
  {
    directory: FilePath,
    runtime: RuntimeName,
    runtimeRoots: Type.Array(FilePath, { minItems: 1, maxItems: 16 }),
    runtimeOptions: Type.Record(Type.String({ maxLength: 128 }), Type.Unknown()),
    warm: Type.Boolean(),
  },
  closed,
);
export type LaunchSettings = Static<typeof LaunchSettings>;

export const checkRequest: (value: unknown) => Request = checker(Request, 'request to a supervisor');
export const checkReply: (value: unknown) => Reply = checker(Reply, 'reply of a supervisor');
export const checkProgress = checker(Progress, 'progress of a journal');
export const checkAdopt = checker(Adopt, 'adoption');
export const checkLaunchReport: (value: unknown) => LaunchReport = checker(
  LaunchReport,
  'report of a launched supervisor',
);
export const checkLaunchSettings: (value: unknown) => LaunchSettings = checker(
  LaunchSettings,
  'settings of a supervisor',
);
