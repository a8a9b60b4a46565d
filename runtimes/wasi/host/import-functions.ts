import { ERRNO, errnoOf } from './errno.ts';
import { GuestExit, GuestRaise } from './exit.ts';
import { isCallName, SIGNATURES, type Calls, type ParameterKind } from './signatures.ts';

type Raw = number | bigint;
export type ImportFunction = (...raw: Raw[]) => number;

/** A fault of the host itself, which the guest sees as an I/O error. */
export type OnFault = (call: string, error: unknown) => void;

/** The guest has asked for its end: does not return. */
export type OnEnd = (end: GuestExit | GuestRaise) => void;

/**
 * Makes import functions of calls: raw WebAssembly values in, an errno out. Nothing is thrown into the guest but its
 * own end (proc_exit, proc_raise) and the exhaustion of its stack.
 */
export function importFunctions(
  calls: Partial<Calls>,
  onFault: OnFault,
  onEnd: OnEnd,
): Record<string, ImportFunction> {
  const made: Record<string, ImportFunction> = {};
  for (const [name, call] of Object.entries(calls)) {
    // Each call takes just what its signature says, which is what `coerce` makes.
    if (isCallName(name))
      made[name] = guarded(name, SIGNATURES[name], call as (...args: Raw[]) => void, onFault, onEnd);
  }
  return made;
}

function guarded(
  name: string,
  kinds: readonly ParameterKind[],
  call: (...args: Raw[]) => void,
  onFault: OnFault,
  onEnd: OnEnd,
): ImportFunction {
  return (...raw) => {
    try {
      call(...kinds.map((kind, i) => coerce(kind, raw[i])));
      return ERRNO.SUCCESS;
    } catch (error) {
      if (error instanceof GuestExit || error instanceof GuestRaise) onEnd(error);
      if (isStackExhausted(error)) throw error;
      const errno = errnoOf(error);
      if (errno === undefined) onFault(name, error);
      return errno ?? ERRNO.IO;
    }
  };
}

/** WebAssembly integers have no sign; JavaScript sees them with one. */
export function coerce(kind: ParameterKind, raw: Raw | undefined): Raw {
  if (kind === 'u32') return Number(raw ?? 0) >>> 0;
  const value = BigInt(raw ?? 0);
  return kind === 'u64' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
}

/** Whether this is V8's error for a stack that is used up, which is then the guest's own. */
export function isStackExhausted(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}
