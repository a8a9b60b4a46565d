import { Type, type Static } from 'typebox';
import {
  Address,
  BlobHash,
  Bytes,
  CounterName,
  Id,
  NanoUnits,
  PeerId,
  Reason,
  TimeLimitMs,
  Timestamp,
} from './values.ts';
import type { Batch, ExeScript } from './exe-script.ts';
import { Role } from './market.ts';

const closed = { additionalProperties: false } as const;

/** The states of an activity; what leads from one to another stands in src/activity/machine.ts. The last two are final. */
export const ACTIVITY_STATES = [
  'New',
  'Deploying',
  'Ready',
  'Running',
  'Suspended',
  'Completed',
  'Terminated',
] as const;
export type ActivityState = (typeof ACTIVITY_STATES)[number];
export const ActivityState = Type.Union(ACTIVITY_STATES.map((s) => Type.Literal(s)));

/** Who holds an activity back: one of its parties, or `node` when the provider has paused all that runs on it. */
export const Holder = Type.Union([Type.Literal('requestor'), Type.Literal('provider'), Type.Literal('node')]);
export type Holder = Static<typeof Holder>;
/** While this is not empty nothing of the activity runs: a running command is frozen, the next one is not begun. */
export const Holds = Type.Array(Holder, { maxItems: 3, uniqueItems: true });

/** Limits of one activity beside the agreement's resources; an absent one is unlimited up to the agreement's end. */
export const ActivityLimits = Type.Object(
  {
    /** CPU time of the workload, all commands together. */
    cpuTimeMs: Type.Optional(TimeLimitMs),
    /** Wall clock from `start`, time suspended not counted. */
    wallTimeMs: Type.Optional(TimeLimitMs),
    /** Fuel (`ergon.usage.wasm.fuel`), all commands together; has it metered. Of WASI programs only. */
    fuel: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  },
  closed,
);
export type ActivityLimits = Static<typeof ActivityLimits>;

/** What is deployed: the blob with the program, by its hash. */
export const TaskPackage = Type.Object(
  {
    hash: BlobHash,
    sizeBytes: Bytes,
    /** Where the provider fetches it from; from the requestor when absent. */
    url: Type.Optional(Type.String({ maxLength: 4096, pattern: '^https?://.*' })),
  },
  closed,
);
export type TaskPackage = Static<typeof TaskPackage>;

/** The usage counters of one agreement. */
export const CounterNames = Type.Array(CounterName, { maxItems: 32 });

/** Cumulative usage of one activity at one moment. `sequence` counts from 1 and never skips. */
export const UsageSample = Type.Object(
  {
    sequence: Type.Integer({ minimum: 1 }),
    at: Timestamp,
    /** Counter name → billionths of its unit; never falls. */
    counters: Type.Record(CounterName, NanoUnits, {
      maxProperties: 32,
      ...closed,
    }),
  },
  closed,
);
export type UsageSample = Static<typeof UsageSample>;

/** An activity as one party's books hold it. */
export const ActivityRecord = Type.Object(
  {
    activityId: Id,
    agreementId: Id,
    role: Role,
    /** The other party. */
    peerId: PeerId,
    address: Address,
    package: Type.Optional(TaskPackage),
    limits: ActivityLimits,
    state: ActivityState,
    /** The state that a command in progress leads to: the pair is the lock. */
    pending: Type.Optional(ActivityState),
    /** Overlay: the provider (or its supervisor) has not answered since this time. */
    unreachableSince: Type.Optional(Timestamp),
    /** Who keeps the activity suspended; absent when nobody does. */
    holds: Type.Optional(Holds),
    /**
     * Why it ended. Of `Terminated` the code is Error, LimitExceeded (`detail.limit`: cpu, memory, disk, files, pids,
     * time, output or fuel, with the figures), Expired, Requestor, Provider, PaymentDefault, SupervisorLost or Quarantined.
     */
    reason: Type.Optional(Reason),
    /** Of more than 256 the first 16 and the newest; the events of the activity tell them all. */
    history: Type.Array(Type.Object({ state: ActivityState, at: Timestamp }, closed), { maxItems: 4096 }),
    usage: Type.Optional(UsageSample),
    /** Bytes of the logs so far. */
    stdoutBytes: Bytes,
    stderrBytes: Bytes,
    /** Position in the provider's journal up to which this record is true. */
    journalSeq: Type.Integer({ minimum: 0 }),
    createdAt: Timestamp,
  },
  closed,
);
export type ActivityRecord = Omit<Static<typeof ActivityRecord>, 'state' | 'pending' | 'history'> & {
  state: ActivityState;
  pending?: ActivityState;
  history: { state: ActivityState; at: number }[];
};

/** What a workload writes is kept in two logs of an activity, all its commands one after another. */
export type LogStream = 'stdout' | 'stderr';

/** A slice of a log. `end` is the offset after the last byte that exists now; `final` when none will follow. */
export interface LogSlice {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly end: number;
  readonly final: boolean;
}

/** Suspends and resumes activities as one of their parties: only who holds an activity back can let it go again. */
export interface ActivityHolding {
  /**
   * Freezes it, meter included; idempotent. The record is the one after that, or as it is when it takes longer.
   * @throws ActivityError ERR_ACTIVITY_ILLEGAL_COMMAND when it runs nothing, ERR_ACTIVITY_ENDED,
   * ERR_ACTIVITY_SUSPEND_UNSUPPORTED
   */
  suspend(activityId: string, signal?: AbortSignal): Promise<ActivityRecord>;
  /** Lets go of it; idempotent. @throws ActivityError ERR_ACTIVITY_HELD when only others hold it */
  resume(activityId: string, signal?: AbortSignal): Promise<ActivityRecord>;
}

/** Stops single batches. */
export interface BatchCanceling {
  /**
   * Kills the command that runs; the batch ends with Error{Canceled} and the activity takes the next one. Idempotent; a
   * batch that has finished stays as it is. The batch is the one after that, or as it is when it takes longer.
   * @throws ActivityError ERR_ACTIVITY_BATCH_NOT_FOUND
   */
  cancelBatch(activityId: string, batchId: string, signal?: AbortSignal): Promise<Batch>;
}

/** The requestor's remote control of its activities; every call is idempotent by the ids that the caller makes. */
export interface RequestorActivities {
  /** Undefined for an activity that is not known, or in which this node is the provider. */
  get(activityId: string): Promise<ActivityRecord | undefined>;
  /**
   * Resolves once the provider has taken it. Rejects with ERR_ACTIVITY_UNREACHABLE when it does not answer in time:
   * the wish stays noted and goes on, and a repeated call joins it. The same holds for `exec` and `destroy`.
   */
  create(
    request: {
      activityId: string;
      agreementId: string;
      package?: TaskPackage;
      limits: ActivityLimits;
    },
    signal?: AbortSignal,
  ): Promise<ActivityRecord>;
  /**
   * Hands a script to the provider; returns when it is durably there.
   * @throws ActivityError ERR_ACTIVITY_ILLEGAL_COMMAND, ERR_ACTIVITY_BUSY, ERR_ACTIVITY_ENDED; nothing of it has run then
   */
  exec(activityId: string, batchId: string, script: ExeScript, signal?: AbortSignal): Promise<Batch>;
  /** As this node's books have it now, with the results so far. */
  batch(activityId: string, batchId: string): Promise<Batch | undefined>;
  /**
   * Resolves when the batch has finished, over disconnections and restarts of either side.
   * @throws ActivityError ERR_ACTIVITY_BATCH_NOT_FOUND
   */
  waitBatch(activityId: string, batchId: string, signal: AbortSignal): Promise<Batch>;
  /**
   * From this node's copy, which follows the provider's log and may be behind it.
   * @throws ActivityError ERR_ACTIVITY_LOG_GONE when it was forgotten, ERR_ACTIVITY_NOT_FOUND
   */
  readLog(activityId: string, stream: LogStream, offset: number, maxBytes: number): Promise<LogSlice>;
  /** Resolves when the copy reaches `end` bytes or, when the provider has vanished, has not grown for 30 s. */
  waitLog(activityId: string, stream: LogStream, end: number, signal: AbortSignal): Promise<void>;
  /** Ends it; Completed when no command had failed, else Terminated{Requestor}. */
  destroy(activityId: string, reason?: Reason, signal?: AbortSignal): Promise<void>;
}
