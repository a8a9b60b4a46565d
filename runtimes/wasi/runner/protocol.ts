import type { Preopen } from '../host/host.ts';
import type { QuotaLimits } from '../host/quota.ts';

/*
 * Between the supervisor and the runner: JSON lines, orders on one descriptor, reports on another. The guest's
 * streams have descriptors of their own, so that what Node or V8 says on stderr never mixes with what the guest says.
 */

export const RUNNER_FD = { ORDERS: 3, REPORTS: 4, STDIN: 5, STDOUT: 6, STDERR: 7 } as const;

/** Compile this module. Answered by `loaded` or `refused`. */
export interface LoadOrder {
  readonly type: 'load';
  /** As the runner sees it. */
  readonly modulePath: string;
  /** What the module was made of: it must be valid as well. */
  readonly originalPath?: string;
  readonly maxPages: number;
}
/** Run it, once. Answered by `started`, before anything of it runs, and by `ended`. */
export interface RunOrder {
  readonly type: 'run';
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly Preopen[];
  /** Of all preopens together; absent: none. */
  readonly quota?: QuotaLimits;
  /** Count its fuel, which the module has been prepared for. */
  readonly fuel?: FuelOrder;
}
/** How the fuel of a run is to be counted. */
export interface FuelOrder {
  /** A decimal number: what it may use in this run; absent: as much as it wants. */
  readonly limit?: string;
}
export type Order = LoadOrder | RunOrder;

/** How the guest ended. `failed`: it could not be started. */
export type GuestEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'raise'; readonly signal: string }
  | { readonly kind: 'trap'; readonly message: string }
  | { readonly kind: 'out-of-fuel' }
  | { readonly kind: 'failed'; readonly message: string };

export type Report =
  | { readonly type: 'ready'; readonly confinement: Confinement }
  | { readonly type: 'loaded' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'started' }
  | { readonly type: 'disk'; readonly bytes: number; readonly entries: number }
  /** What the run has used so far: a decimal number. */
  | { readonly type: 'fuel'; readonly used: string }
  /** A fault of the host code; the guest saw an I/O error. */
  | { readonly type: 'fault'; readonly call: string; readonly message: string }
  | {
      readonly type: 'ended';
      readonly end: GuestEnd;
      /** Size of the guest's memory at the end. */
      readonly memoryBytes: number;
      /** Pages that its last request to grow asked for in vain; 0 when it succeeded. */
      readonly refusedPages: number;
      /** Storage that it would have used, had its last request for more been granted; 0 when it was. */
      readonly refusedBytes: number;
      /** Names that there were when its last request for storage was one for another name, in vain; 0 otherwise. */
      readonly refusedFiles: number;
      /** CPU time of the run, for where the kernel's accounts are gone with the process. */
      readonly cpuUs: number;
      readonly peakRssBytes: number;
    };

/** What the runner finds itself confined by, as the kernel tells it. */
export interface Confinement {
  readonly uid: number;
  readonly noNewPrivileges: boolean;
  readonly capabilities: string;
  readonly seccomp: boolean;
}
