import { Type, type Static } from 'typebox';
import {
  ActivityLimits,
  CounterNames,
  TaskPackage,
  type ActivityState,
  type Holder,
  type LogSlice,
  type LogStream,
  type UsageSample,
} from './activity.ts';
import type { CommandResult, ExeScript } from './exe-script.ts';
import { Resources } from './market.ts';
import type { Startable } from './startable.ts';
import { Bytes, Id, RuntimeName, Timestamp, type Reason } from './values.ts';

/** All that a supervisor needs to know of its activity, for as long as it lives. */
export const ExeUnitSpec = Type.Object(
  {
    activityId: Id,
    agreementId: Id,
    /** This node, for the labels of what a runtime makes outside the work directory. */
    nodeId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    runtime: RuntimeName,
    package: Type.Optional(TaskPackage),
    resources: Resources,
    /** Whether the agreement grants the outside network. */
    network: Type.Optional(Type.Boolean()),
    limits: ActivityLimits,
    /** The counters that the agreement has a price for. */
    counters: Type.Optional(CounterNames),
    /** Usage counts from the deployment on, not only from the start. */
    deploymentBilled: Type.Optional(Type.Boolean()),
    /** stdout and stderr are kept up to this many bytes each; a workload that writes more is ended. */
    maxOutputBytes: Bytes,
    /** The activity ends by then. */
    deadline: Timestamp,
    /** Distance of measurements, and of usage samples while the activity is young. */
    sampleIntervalMs: Type.Integer({ minimum: 10, maximum: 24 * 3600 * 1000 }),
    /** To what the distance of samples may grow while the activity grows old; without it, it stays. */
    maxSampleIntervalMs: Type.Optional(Type.Integer({ minimum: 10, maximum: 24 * 3600 * 1000 })),
  },
  { additionalProperties: false },
);
export type ExeUnitSpec = Static<typeof ExeUnitSpec>;

/**
 * One line of an activity's journal. `seq` counts from 1 without gaps. The daemon's record of an activity is a
 * fold over these.
 */
export type JournalRecord = { readonly seq: number; readonly at: number } & JournalEntry;
/** What a line of the journal says, without its number and time. */
export type JournalEntry =
  | { readonly type: 'created'; readonly spec: ExeUnitSpec }
  | {
      readonly type: 'state';
      readonly state: ActivityState;
      readonly pending?: ActivityState;
      /** Who keeps the activity suspended from now on; absent when nobody does. */
      readonly holds?: readonly Holder[];
      readonly reason?: Reason;
    }
  | { readonly type: 'batch'; readonly batchId: string; readonly script: ExeScript }
  | { readonly type: 'command-started'; readonly batchId: string; readonly index: number }
  /** The command waits for a blob that the daemon must bring: answered by `ExeUnits.provide`. */
  | { readonly type: 'need'; readonly batchId: string; readonly index: number; readonly hash: string }
  /** The command waits for what a URL names, at most this large; answered by `ExeUnits.answer`. */
  | {
      readonly type: 'fetch';
      readonly batchId: string;
      readonly index: number;
      readonly url: string;
      readonly maxBytes: number;
    }
  /** The command waits until one of the outputs is at the URL; answered by `ExeUnits.answer`. */
  | {
      readonly type: 'deliver';
      readonly batchId: string;
      readonly index: number;
      readonly url: string;
      readonly hash: string;
      readonly sizeBytes: number;
    }
  /** How far a command is, in bytes; written now and then. */
  | {
      readonly type: 'progress';
      readonly batchId: string;
      readonly index: number;
      readonly done: number;
      readonly total?: number;
      readonly message: string;
    }
  | { readonly type: 'command-finished'; readonly batchId: string; readonly result: CommandResult }
  | { readonly type: 'batch-finished'; readonly batchId: string }
  | { readonly type: 'handle'; readonly handle: string }
  | { readonly type: 'usage'; readonly sample: UsageSample };

/** What became of a `fetch` (a local file and its hash) or of a `deliver`. */
export type NeedAnswer =
  | { readonly path: string; readonly hash: string }
  | { readonly delivered: true }
  | { readonly error: Reason };

/** How far what a command waits for is, in bytes; `total` when it is known. */
export interface NeedProgress {
  readonly done: number;
  readonly total?: number;
  readonly message: string;
}

/** Whether a supervisor lives. `unknown` is not `gone`: wait and ask again. */
export type SupervisorStatus = 'alive' | 'gone' | 'unknown';

/** The daemon's side of all supervisors on this machine. */
export interface ExeUnits extends Startable {
  /** Work directories found on disk: the activities that were ever created and not disposed of. */
  list(): Promise<string[]>;
  /** Starts (or finds) the supervisor; idempotent by activityId. */
  create(spec: ExeUnitSpec): Promise<void>;
  /** Journals the script; returns when it is durable. Throws ExeUnitError ERR_EXE_UNIT_BUSY while another batch runs. */
  exec(activityId: string, batchId: string, script: ExeScript): Promise<void>;
  /** Answers a `need`: a local file with the blob, or why it could not be had. */
  provide(activityId: string, hash: string, result: { path: string } | { error: Reason }): Promise<void>;
  /** Answers a `fetch` or a `deliver`. Idempotent. */
  answer(activityId: string, batchId: string, index: number, answer: NeedAnswer): Promise<void>;
  /** Says how far the daemon is with what a command waits for. */
  report(activityId: string, batchId: string, index: number, progress: NeedProgress): Promise<void>;
  /**
   * Holds the activity back, meter included, until `by` (and everyone else who does) lets go of it. Idempotent.
   * Throws ExeUnitError ERR_EXE_UNIT_SUSPEND_UNSUPPORTED, ERR_EXE_UNIT_ENDED.
   */
  suspend(activityId: string, by: Holder): Promise<void>;
  /** Lets go of it for `by`; it runs again once nobody holds it. Idempotent. */
  resume(activityId: string, by: Holder): Promise<void>;
  /** Kills the command that runs, if the batch has not finished; the activity goes on. Idempotent. */
  cancelBatch(activityId: string, batchId: string): Promise<void>;
  /** Kills the workload and ends the activity with this state. Idempotent. */
  end(activityId: string, state: 'Completed' | 'Terminated', reason?: Reason): Promise<void>;
  /** The journal after `afterSeq`, past then live; ends after the final state, or when the supervisor is gone and all is read. */
  follow(activityId: string, afterSeq: number, signal: AbortSignal): AsyncIterable<JournalRecord>;
  /** When the supervisor is gone and its journal has no end: writes one, and makes sure that nothing of the workload lives. */
  close(activityId: string, reason: Reason): Promise<void>;
  /** @throws ExeUnitError ERR_EXE_UNIT_NOT_FOUND when there is no work directory */
  status(activityId: string): Promise<SupervisorStatus>;
  /** `ended`: the caller knows that the activity has; without it, its journal is asked. */
  readLog(
    activityId: string,
    stream: LogStream,
    offset: number,
    maxBytes: number,
    ended?: boolean,
  ): Promise<LogSlice>;
  /** Path of a blob that a transfer to `blob:` made. */
  outputPath(activityId: string, hash: string): Promise<string | undefined>;
  /** Removes such a blob, which makes room for others. Idempotent. */
  dropOutput(activityId: string, hash: string): Promise<void>;
  /** Removes the work directory of an ended activity. */
  dispose(activityId: string): Promise<void>;
  /**
   * Removes what runtimes made outside the work directories for activities of this node that live no more; of those
   * that have no work directory, once it is older than `graceMs`. A runtime whose engine does not answer is passed over: nothing is decided on a guess.
   */
  reap(nodeId: string, graceMs: number): Promise<void>;
}
