import { Type, type Static, type TInteger } from 'typebox';
import { BlobHash, Bytes, DurationMs, Id, Reason, TimeLimitMs, Timestamp } from './values.ts';
import { DeployNetwork, Hosts, MAX_ACTIVITY_NETWORKS } from './vpn.ts';

const closed = { additionalProperties: false } as const;
/** Environment of a guest: up to 512 variables, none longer than 131,072 characters. */
export const EnvVars = Type.Record(
  Type.String({ pattern: '^[^=\\0]{1,256}$' }),
  Type.String({ maxLength: 131_072, pattern: '^[^\\0]*$' }),
  { maxProperties: 512, ...closed },
);
const Args = Type.Array(Type.String({ maxLength: 131_072, pattern: '^[^\\0]*$' }), { maxItems: 4096 });

/** Where a transfer reads from or writes to: a blob of either node, or a path inside the activity. */
export const TransferUrl = Type.String({
  maxLength: 4096,
  pattern:
    '^(blob:(sha256:[0-9a-f]{64})?|container:.*|https?://.*|hash:(sha3|sha256):[0-9a-fA-F]+:https?://.*|gftp://.*)$',
  description:
    '`blob:sha256:…` to read a blob, `blob:` to make one, `container:/path` inside the activity (`container:path` from its working directory), an http(s) URL to read from or to PUT to; `#sha256:…` behind it or `hash:sha3:…:` before it is checked',
});

const Glob = Type.String({ minLength: 1, maxLength: 512 });
const Globs = Type.Union([Glob, Type.Array(Glob, { maxItems: 64 })]);

/** Files of a tree by their paths from its root; `**` stands for any directories. */
export const TransferFileSet = Type.Union([
  Glob,
  Type.Object(
    {
      pattern: Type.Optional(Globs),
      /** For people. */
      desc: Type.Optional(Type.String({ maxLength: 512 })),
      includes: Type.Optional(Globs),
      excludes: Type.Optional(Globs),
    },
    closed,
  ),
]);
export type TransferFileSet = Static<typeof TransferFileSet>;

/** How often a command that takes its time is to say how far it is. */
export const ProgressRequest = Type.Object(
  { updateIntervalMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })) },
  closed,
);
export type ProgressRequest = Static<typeof ProgressRequest>;

/** Bytes of one stream of one command that its result holds at most, whatever was asked for. */
export const MAX_CAPTURE_BYTES = 256 * 1024;
/** What all captures of a batch take at most, written as JSON: a batch must fit into one message. */
export const MAX_BATCH_CAPTURE_BYTES = 3 * MAX_CAPTURE_BYTES;

const CaptureFormat = Type.Union([Type.Literal('string'), Type.Literal('binary')]);
const format = Type.Optional(CaptureFormat);

/**
 * What of a stream the command's result holds, beside the log, which has all of it: its first bytes, its last, half of
 * each, or as much as there is room for.
 */
export const Capture = Type.Union([
  Type.Object(
    {
      atEnd: Type.Union([
        Type.Object({ head: Bytes, format }, closed),
        Type.Object({ tail: Bytes, format }, closed),
        Type.Object({ headTail: Bytes, format }, closed),
        Type.Object({ format }, closed),
      ]),
    },
    closed,
  ),
  Type.Object({ stream: Type.Object({ limit: Type.Optional(Bytes), format }, closed) }, closed),
]);
export type Capture = Static<typeof Capture>;
/** What the result of one command holds of each stream; of one that is not named, nothing. */
export const Captures = Type.Object(
  { stdout: Type.Optional(Capture), stderr: Type.Optional(Capture) },
  closed,
);

const commandWith = (timeoutMs: TInteger) =>
  Type.Union([
    Type.Object(
      {
        deploy: Type.Object(
          {
            env: Type.Optional(EnvVars),
            progress: Type.Optional(ProgressRequest),
            /** Networks with other activities; only where the offer's capabilities have `vpn`. */
            net: Type.Optional(Type.Array(DeployNetwork, { maxItems: MAX_ACTIVITY_NETWORKS })),
            hosts: Type.Optional(Hosts),
            /** Directories to have, writable and within reach of transfers, beside those that the runtime has anyway. */
            volumes: Type.Optional(
              Type.Array(Type.String({ maxLength: 1024, pattern: '^/[^\\0]*$' }), { maxItems: 16 }),
            ),
          },
          closed,
        ),
      },
      closed,
    ),
    Type.Object({ start: Type.Object({ args: Type.Optional(Args) }, closed) }, closed),
    Type.Object(
      {
        run: Type.Object(
          {
            entry_point: Type.String({ maxLength: 4096, pattern: '^[^\\0]*$' }),
            args: Type.Optional(Args),
            env: Type.Optional(EnvVars),
            /** A blob of the requestor's, fed to stdin; without it stdin is empty. */
            stdin: Type.Optional(BlobHash),
            /** Wall clock of this command: it is killed then, its result is LimitExceeded{time}, the activity goes on. */
            timeout_ms: Type.Optional(timeoutMs),
            capture: Type.Optional(Captures),
          },
          closed,
        ),
      },
      closed,
    ),
    Type.Object(
      {
        transfer: Type.Object(
          {
            from: TransferUrl,
            /** A directory of the activity ends in `/`: what comes there is an archive, and is unpacked. */
            to: TransferUrl,
            /** Of the archive that is unpacked or made; `raw` is one plain file. */
            format: Type.Optional(Type.Enum(['raw', 'tar', 'tar.gz', 'zip'])),
            /** Files deeper than this are left out; what lies in the directory itself has depth 1. */
            depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
            /** Files in none of these are left out. */
            fileset: Type.Optional(Type.Array(TransferFileSet, { maxItems: 64 })),
            progress: Type.Optional(ProgressRequest),
          },
          closed,
        ),
      },
      closed,
    ),
    Type.Object({ sign: Type.Object({}, closed) }, closed),
    Type.Object({ terminate: Type.Object({}, closed) }, closed),
  ]);

/** One command of an ExeScript, as an object with one key. */
export const ExeCommand = commandWith(TimeLimitMs);
export type ExeCommand = Static<typeof ExeCommand>;
/** Commands that are run one after another; the first that fails ends the script. */
export const ExeScript = Type.Array(ExeCommand, { minItems: 1, maxItems: 256 });
export type ExeScript = Static<typeof ExeScript>;
/** As it is on record: once a `timeout_ms` of 0 was taken, under which the command ended at once. */
export const RecordedScript = Type.Array(commandWith(DurationMs), { minItems: 1, maxItems: 256 });

/** Byte range of a command's output in the activity's stdout or stderr log: from `start` up to, not including, `end`. */
const LogRange = Type.Object({ start: Bytes, end: Bytes, truncated: Type.Optional(Type.Boolean()) }, closed);

/** What a result holds of a stream, as `Capture` asked for it. */
export const CapturedStream = Type.Object(
  {
    format: CaptureFormat,
    /** A text, with U+FFFD for what is no UTF-8, or base64. */
    data: Type.String({ maxLength: MAX_BATCH_CAPTURE_BYTES }),
    /** There was more. */
    truncated: Type.Boolean(),
  },
  closed,
);
export type CapturedStream = Static<typeof CapturedStream>;

/** How one command of a batch ended; `index` is its place in the script, from 0. */
export const CommandResult = Type.Object(
  {
    index: Type.Integer({ minimum: 0, maximum: 255 }),
    result: Type.Union([Type.Literal('Ok'), Type.Literal('Error')]),
    message: Type.Optional(Type.String({ maxLength: 4096 })),
    /** Present on an error. */
    reason: Type.Optional(Reason),
    exitCode: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
    stdout: Type.Optional(LogRange),
    stderr: Type.Optional(LogRange),
    stdoutCapture: Type.Optional(CapturedStream),
    stderrCapture: Type.Optional(CapturedStream),
    /** The blob that a transfer to `blob:` made. */
    blob: Type.Optional(Type.Object({ hash: BlobHash, sizeBytes: Bytes }, closed)),
    startedAt: Timestamp,
    finishedAt: Timestamp,
  },
  closed,
);
export type CommandResult = Static<typeof CommandResult>;

/** A script on its way through an activity; `results` grows from index 0, the first error ends it. */
export const Batch = Type.Object(
  {
    batchId: Id,
    activityId: Id,
    script: RecordedScript,
    results: Type.Array(CommandResult, { maxItems: 256 }),
    finished: Type.Boolean(),
    createdAt: Timestamp,
  },
  closed,
);
export type Batch = Static<typeof Batch>;
