import os from 'node:os';
import type { RunExit } from '../../src/interface/exe-unit-runtime.ts';
import { SIGNAL_STATUS } from '../shared/exit-status.ts';
import { PAGE_BYTES } from './module/limits.ts';
import type { EndedReport, ProcessExit } from './sandbox/runner-process.ts';

type LimitExit = Extract<RunExit, { kind: 'limit' }>;

/** What is known when a runner is gone. */
export interface Evidence {
  /** What the runner said of the end; absent when it was killed before it could. */
  readonly report: EndedReport | undefined;
  readonly exit: ProcessExit;
  /** What we sent to end it. */
  readonly sentSignal: string | undefined;
  readonly oomKilled: boolean;
  readonly diagnostics: string;
  readonly memoryLimitBytes: number;
  readonly memoryPeakBytes: number;
  readonly storageLimitBytes: number;
  readonly filesLimit: number;
  /** Fuel of all runs of the activity together; absent where it is not metered. */
  readonly fuel?: { readonly limit: number; readonly used: bigint };
}

/** Decides what really ended the guest, by all that is known at the end. */
export function classifyExit(evidence: Evidence): RunExit {
  const { report, exit, sentSignal } = evidence;
  if (report !== undefined) return reportedExit(report, evidence);
  if (sentSignal !== undefined) return { kind: 'signaled', signal: sentSignal };
  if (evidence.oomKilled || /out of memory|OOM/.test(evidence.diagnostics)) return memoryLimit(evidence);
  const signal = exit.signal ?? signalOfStatus(exit.code);
  if (signal === 'SIGXFSZ') return diskLimit(evidence, evidence.storageLimitBytes + 1);
  if (signal !== undefined) return { kind: 'signaled', signal };
  return {
    kind: 'failed',
    message: `The runner ended without a word (status ${exit.code}): ${evidence.diagnostics}`,
  };
}

function reportedExit(report: EndedReport, evidence: Evidence): RunExit {
  const { end, refusedPages, memoryBytes } = report;
  // A program that gets over what was refused has ended well.
  const refusedDisk = refusedStorage(report, evidence);
  switch (end.kind) {
    case 'exit':
      return (end.code === 0 ? undefined : refusedDisk) ?? { kind: 'exited', code: end.code };
    case 'raise':
      return { kind: 'signaled', signal: end.signal };
    case 'failed':
      return { kind: 'failed', message: end.message };
    case 'out-of-fuel':
      return {
        kind: 'limit',
        limit: 'fuel',
        limitValue: evidence.fuel?.limit ?? 0,
        observed: Number(evidence.fuel?.used ?? 0n),
      };
    case 'trap':
      // It asked for more memory than it may have, and did not get over it.
      return refusedPages === 0
        ? (refusedDisk ?? { kind: 'signaled', signal: 'SIGABRT' })
        : { ...memoryLimit(evidence), observed: memoryBytes + refusedPages * PAGE_BYTES };
  }
}

function memoryLimit({ memoryLimitBytes, memoryPeakBytes }: Evidence): LimitExit {
  return { kind: 'limit', limit: 'memory', limitValue: memoryLimitBytes, observed: memoryPeakBytes };
}

function refusedStorage(
  { refusedBytes, refusedFiles }: EndedReport,
  evidence: Evidence,
): LimitExit | undefined {
  if (refusedFiles > 0)
    return { kind: 'limit', limit: 'files', limitValue: evidence.filesLimit, observed: refusedFiles };
  return refusedBytes === 0 ? undefined : diskLimit(evidence, refusedBytes);
}

function diskLimit({ storageLimitBytes }: Evidence, observed: number): LimitExit {
  return { kind: 'limit', limit: 'disk', limitValue: storageLimitBytes, observed };
}

/** A sandbox's outer process says so what killed the inner one. */
function signalOfStatus(status: number | null): string | undefined {
  return Object.entries(os.constants.signals).find(([, number]) => number + SIGNAL_STATUS === status)?.[0];
}
