import os from 'node:os';
import type { RunExit } from '../../src/interface/exe-unit-runtime.ts';
import type { WaitStatus } from './init/protocol.ts';

export type LimitExit = Extract<RunExit, { kind: 'limit' }>;

/** All that tells how a command ended. */
export interface Evidence {
  /** Undefined when the container ended with it. */
  readonly status: WaitStatus | undefined;
  /** What a look at the volume or the processes has found, before it ended. */
  readonly violation: LimitExit | undefined;
  /** A signal that we sent. */
  readonly sentSignal: string | undefined;
  /** Processes of the container that the kernel killed for want of memory, while the command ran. */
  readonly oomKills: number;
  /** The volume has no room for another byte or another file, or had none at some look. */
  readonly storageFull: LimitExit | undefined;
  readonly diskBytes: number;
  readonly storageBytes: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
}

const SIGNAL_STATUS = 128;

/** The plain end, or the limit that is its reason. A program that gets over a limit and ends well has ended well. */
export function classifyExit(evidence: Evidence): RunExit {
  const { status, violation, sentSignal, oomKills } = evidence;
  if (violation !== undefined) return violation;
  if (status?.kind === 'exited' && status.code === 0) return { kind: 'exited', code: 0 };
  // It lived until we ended it: what it may have lacked before that was not its end.
  if (status?.kind === 'signaled' && signalName(status.signal) === sentSignal) {
    return { kind: 'signaled', signal: sentSignal };
  }
  if (oomKills > 0) {
    return {
      kind: 'limit',
      limit: 'memory',
      limitValue: evidence.memoryBytes,
      observed: evidence.memoryPeakBytes,
    };
  }
  if (status === undefined) {
    return sentSignal === undefined
      ? { kind: 'failed', message: 'The container ended while the command was running' }
      : { kind: 'signaled', signal: sentSignal };
  }
  if (evidence.storageFull !== undefined) return evidence.storageFull;
  if (isOf(status, 'SIGXFSZ')) return diskLimit(evidence.storageBytes, evidence.diskBytes);
  return status.kind === 'exited' ? status : { kind: 'signaled', signal: signalName(status.signal) };
}

/** The end of a program whose volume was full. */
export function diskLimit(storageBytes: number, diskBytes: number): LimitExit {
  // What was refused is not on the disk: at least one byte more than there is room for.
  return {
    kind: 'limit',
    limit: 'disk',
    limitValue: storageBytes,
    observed: Math.max(diskBytes, storageBytes + 1),
  };
}

/** The end of a program whose volume had no room for another file. */
export function filesLimit(limitValue: number, observed: number): LimitExit {
  return { kind: 'limit', limit: 'files', limitValue, observed };
}

/** Killed by it, or a shell whose command was. */
function isOf(status: WaitStatus, name: 'SIGXFSZ'): boolean {
  const number = os.constants.signals[name];
  return status.kind === 'signaled' ? status.signal === number : status.code === SIGNAL_STATUS + number;
}

function signalName(number: number): string {
  return Object.entries(os.constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
}
