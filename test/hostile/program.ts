import type { ActivityLimits } from '../../src/interface/activity.ts';
import type { Resources } from '../../src/interface/market.ts';
import type { Limit } from '../../src/exe-unit/reasons.ts';

export type HostileRuntime = 'wasi' | 'docker';

/** How a program that means harm has to end. */
export type Outcome =
  /** It ends well: all that it tried was refused. */
  | { readonly kind: 'harmless' }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  /** The activity ends with LimitExceeded and these figures. */
  | { readonly kind: 'limit'; readonly limit: Limit; readonly limitValue: number }
  /** The command fails with this code, before anything of it runs. */
  | { readonly kind: 'refused'; readonly code: string; readonly message?: RegExp };

export interface HostileProgram {
  /** What it does: `… is stopped`, `… comes to nothing`. */
  readonly name: string;
  readonly args: readonly string[];
  /** Where it makes sense, and how it has to end there. */
  readonly outcomes: Partial<Record<HostileRuntime, Outcome>>;
  readonly limits?: ActivityLimits;
  readonly resources?: Partial<Resources>;
  readonly maxOutputBytes?: number;
  /** Fed to it. */
  readonly stdin?: Uint8Array;
  /** In place of the common one. */
  readonly module?: () => Uint8Array;
  /** Text that the output has. */
  readonly says?: RegExp;
}

export const MEMORY_BYTES = 32 << 20;
export const STORAGE_BYTES = 4 << 20;
export const OUTPUT_BYTES = 1 << 20;
export const WALL_MS = 700;
export const CPU_MS = 400;

export const harmless: Outcome = { kind: 'harmless' };
export const exit = (code: number): Outcome => ({ kind: 'exit', code });
export const signal = (name: string): Outcome => ({ kind: 'signal', signal: name });
export const limit = (name: Limit, limitValue: number): Outcome => ({
  kind: 'limit',
  limit: name,
  limitValue,
});
export const refused = (message?: RegExp): Outcome => ({
  kind: 'refused',
  code: 'ERR_RUNTIME_PACKAGE',
  ...(message === undefined ? {} : { message }),
});

export const memory = limit('memory', MEMORY_BYTES);
export const disk = limit('disk', STORAGE_BYTES);
/** Of one per 4 kB of storage. */
export const files = limit('files', STORAGE_BYTES / 4096);
export const output = limit('output', OUTPUT_BYTES);
export const time = limit('time', WALL_MS);
export const cpu = limit('cpu', CPU_MS);
export const pids = (value: number): Outcome => limit('pids', value);

/** The same wherever it runs. */
export const both = (outcome: Outcome): HostileProgram['outcomes'] => ({ wasi: outcome, docker: outcome });
