import { Type, type Static } from 'typebox';
import { TaskPackage } from './activity.ts';
import { EnvVars } from './exe-script.ts';
import {
  Address,
  Amount,
  BlobHash,
  Bytes,
  Constraints,
  Id,
  PinnedImage,
  PlatformName,
  Reason,
  RuntimeName,
  TimeLimitMs,
  Timestamp,
} from './values.ts';

const closed = { additionalProperties: false } as const;
const GuestPath = Type.String({
  pattern: '^/[^\\0]{0,4095}$',
  description: 'Absolute path inside the activity; a directory, which an archive goes with, ends in `/`',
});

/** What a requestor wants run: one program, its input, the files to bring back, its limits and its budget. */
export const TaskSpec = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 128 })),
    /** The task package, uploaded before. */
    package: BlobHash,
    /** The image that the package names, when it brings none itself. */
    image: Type.Optional(PinnedImage),
    runtime: RuntimeName,
    /** argv[0] of a WASI module, which program of a WASI package (`main`: its main one), a program of a Docker image. */
    entryPoint: Type.String({ maxLength: 4096 }),
    args: Type.Array(Type.String({ maxLength: 131_072 }), { maxItems: 4096 }),
    env: EnvVars,
    /** A blob to feed to stdin. */
    stdin: Type.Optional(BlobHash),
    inputs: Type.Array(Type.Object({ blob: BlobHash, path: GuestPath }, closed), { maxItems: 128 }),
    outputs: Type.Array(GuestPath, { maxItems: 128 }),
    limits: Type.Object(
      {
        cpuThreads: Type.Integer({ minimum: 1, maximum: 4096 }),
        memoryBytes: Type.Integer({ minimum: 65_536, maximum: Number.MAX_SAFE_INTEGER }),
        storageBytes: Bytes,
        cpuTimeMs: Type.Optional(Type.Integer({ minimum: 1 })),
        wallTimeMs: TimeLimitMs,
        /** Of WASI programs; without it there is one that follows from the CPU time where fuel has a price. */
        fuel: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
      },
      closed,
    ),
    /** The network that the provider sells beside the runtime; without it the program has none. */
    network: Type.Optional(
      Type.Boolean({ description: "The provider's outside network: only offers with `ergon.srv.network`" }),
    ),
    platform: PlatformName,
    /** The most that may be paid, in smallest units. */
    budget: Amount,
    /** Further constraints on offers, ANDed with what the task needs by itself. */
    constraints: Constraints,
    /** A provider that fails (not the program) is replaced by another this often. */
    maxAttempts: Type.Integer({ minimum: 1, maximum: 16 }),
  },
  closed,
);
export type TaskSpec = Static<typeof TaskSpec>;

/** States of a task; src/task/machine.ts draws them. The last three are final. */
export const TASK_STATES = [
  'Scheduled',
  'Waiting',
  'Blocked',
  'Queued',
  'InProgress',
  'AwaitingCompletion',
  'Succeeded',
  'Failed',
  'Canceled',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

const FINAL_TASK_STATES: readonly TaskState[] = ['Succeeded', 'Failed', 'Canceled'];

/** Whether a task in this state stays in it. Its last attempt may still have to be closed and paid for. */
export function isFinalTaskState(state: TaskState): boolean {
  return FINAL_TASK_STATES.includes(state);
}

/** Where an attempt stands; each phase is idempotent, so a restarted daemon repeats the one it was in. */
export const TASK_PHASES = [
  'Agreeing',
  'Creating',
  'Running',
  'Collecting',
  'Closing',
  'Settling',
  'Done',
] as const;
export type TaskPhase = (typeof TASK_PHASES)[number];

/** One try with one provider: its agreement, its activity and the batch that runs the task's script. */
export const TaskAttempt = Type.Object(
  {
    number: Type.Integer({ minimum: 1 }),
    agreementId: Id,
    activityId: Id,
    batchId: Id,
    provider: Type.Optional(Address),
    phase: Type.Union(TASK_PHASES.map((p) => Type.Literal(p))),
    startedAt: Timestamp,
    endedAt: Type.Optional(Timestamp),
    /** Its invoice is settled, rejected or cancelled: nothing more is owed. */
    settled: Type.Optional(Type.Boolean()),
    reason: Type.Optional(Reason),
  },
  closed,
);
export type TaskAttempt = Omit<Static<typeof TaskAttempt>, 'phase'> & { phase: TaskPhase };

/** What the program left: its exit code (absent when it did not exit by itself), the lengths of its logs, its output files. */
export const TaskResult = Type.Object(
  {
    exitCode: Type.Optional(Type.Integer()),
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
    outputs: Type.Array(Type.Object({ path: GuestPath, blob: BlobHash, sizeBytes: Bytes }, closed), {
      maxItems: 128,
    }),
  },
  closed,
);
export type TaskResult = Static<typeof TaskResult>;

/** A task as the requestor's books hold it; `reason` says why it failed or was canceled. */
export const TaskRecord = Type.Object(
  {
    taskId: Id,
    spec: TaskSpec,
    package: TaskPackage,
    allocationId: Id,
    state: Type.Union(TASK_STATES.map((s) => Type.Literal(s))),
    /** For people: what is going on right now. */
    progress: Type.Object(
      { percent: Type.Number({ minimum: 0, maximum: 100 }), message: Type.String({ maxLength: 512 }) },
      closed,
    ),
    attempts: Type.Array(TaskAttempt, { maxItems: 16 }),
    result: Type.Optional(TaskResult),
    reason: Type.Optional(Reason),
    cancelRequested: Type.Optional(Type.Boolean()),
    createdAt: Timestamp,
    stateChangedAt: Timestamp,
  },
  closed,
);
export type TaskRecord = Omit<Static<typeof TaskRecord>, 'state' | 'attempts'> & {
  state: TaskState;
  attempts: TaskAttempt[];
};

/** The requestor's durable tasks. */
export interface Tasks {
  /** Idempotent by taskId. Throws TaskError ERR_TASK_PACKAGE_NOT_FOUND and the like when the spec names what is not here. */
  submit(taskId: string, spec: TaskSpec): Promise<TaskRecord>;
  /** Undefined when there is none of this id. */
  get(taskId: string): Promise<TaskRecord | undefined>;
  /**
   * Notes the wish, durably, and interrupts the attempt; one that has ended stays as it is. Idempotent.
   * @throws TaskError ERR_TASK_NOT_FOUND
   */
  cancel(taskId: string): Promise<TaskRecord>;
}
