import type { Clock } from '../../interface/clock.ts';
import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import type { ExeUnitSpec } from '../../interface/exe-unit.ts';
import type { Logger } from '../../interface/logger.ts';
import type { Reason } from '../../interface/values.ts';
import { ExeUnitError } from '../errors.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { WorkPaths } from '../paths.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Meter } from './meter.ts';
import type { Needs } from './needs.ts';
import type { OutputLog } from './output-log.ts';
import type { Suspension } from './suspension.ts';
import type { Watchdog } from './watchdog.ts';
import type { WorkClock } from './work-clock.ts';

/** The parts of one supervisor, as its commands see them. */
export interface SupervisorContext {
  readonly spec: ExeUnitSpec;
  readonly paths: WorkPaths;
  readonly clock: Clock;
  readonly workClock: WorkClock;
  readonly logger: Logger;
  readonly runtime: ExeUnitRuntime;
  readonly journal: JournalWriter;
  readonly lifecycle: Lifecycle;
  readonly meter: Meter;
  readonly needs: Needs;
  readonly watchdog: Watchdog;
  readonly suspension: Suspension;
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
  readonly ending: Ending;
  readonly deployment: {
    /** Set by `deploy`. */
    handle: string | undefined;
    /** How often the runtime was asked to deploy; it may have made something even when that failed. */
    attempts: number;
  };
  /** Ends the activity with this reason, out of a limit. */
  readonly onLimit: (reason: Reason) => void;
}

/** The end that is under way, as whatever waits has to know it. */
export interface Ending {
  /** Aborts when the end begins. */
  readonly signal: AbortSignal;
  /** Aborts when the runtime has had time enough to obey. */
  readonly abandoned: AbortSignal;
  /** Why, as a command's result says it. */
  readonly reason: Reason | undefined;
}

/** One batch under way. */
export interface BatchContext extends SupervisorContext {
  readonly batchId: string;
  readonly stop: BatchStop;
  /** What its results may still hold of its output, as JSON. */
  readonly captures: { leftBytes: number };
}

/** Why and when a batch is cut short: by its own cancellation, or the end of the activity. */
export interface BatchStop {
  /** Aborts at either. */
  readonly signal: AbortSignal;
  /** Aborts when the batch is canceled. */
  readonly canceled: AbortSignal;
  readonly reason: Reason | undefined;
}

/** Journals that the command waits for a blob, and gives its path once it is there. */
export type RequireBlob = (hash: string) => Promise<string>;

/** @throws ExeUnitError ERR_EXE_UNIT_FAILED when nothing is deployed */
export function deployedHandle({ deployment: { handle } }: Pick<SupervisorContext, 'deployment'>): string {
  if (handle === undefined) throw new ExeUnitError('ERR_EXE_UNIT_FAILED', 'the activity has no deployment');
  return handle;
}

/** Rejects when the end has been waited for too long: a runtime that hangs does not keep the activity open. */
export async function unlessAbandoned<T>(ending: Ending, promise: Promise<T>): Promise<T> {
  const { signal, release } = rejectWhenAborted(ending.abandoned);
  try {
    return await Promise.race([promise, signal]);
  } finally {
    release();
  }
}

function rejectWhenAborted(signal: AbortSignal): { signal: Promise<never>; release: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const onAbort = (): void => reject(new Error('the runtime did not confirm the end in time'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  return { signal: promise, release: () => signal.removeEventListener('abort', onAbort) };
}
