import { bytes, u32 } from './binary.ts';
import { ModuleFormatError, type Reader } from './reader.ts';

export const PAGE_BYTES = 65_536;
/** A 32-bit memory has no more. */
export const MAX_PAGES = 65_536;
/** Entries; a table costs the host eight bytes or so for each. */
export const MAX_TABLE_ENTRIES = 1_000_000;

const HAS_MAXIMUM = 1;
const IS_SHARED = 2;
const IS_64_BIT = 4;

/** Size limits of a memory or a table, as the module declares them. */
export interface Limits {
  readonly minimum: number;
  readonly maximum: number | undefined;
}

/** Reads the limits of `what` (a memory or a table). @throws ModuleFormatError when it is shared or 64-bit */
export function readLimits(reader: Reader, what: string): Limits {
  const flags = reader.u8();
  if ((flags & IS_64_BIT) !== 0)
    throw new ModuleFormatError(`its ${what} is 64-bit, which WASI preview1 does not have`);
  if ((flags & IS_SHARED) !== 0)
    throw new ModuleFormatError(`its ${what} is shared; threads are not supported`);
  if (flags > HAS_MAXIMUM) throw new ModuleFormatError(`its ${what} is of an unknown kind`);
  return { minimum: reader.u32(), maximum: flags === HAS_MAXIMUM ? reader.u32() : undefined };
}

/** The same minimum, and a maximum of at most `cap`. */
export function cappedLimits(limits: Limits, cap: number): Uint8Array {
  return bytes(HAS_MAXIMUM, ...u32(limits.minimum), ...u32(Math.min(limits.maximum ?? cap, cap)));
}

/** A value or reference type is one byte; references to a given type have its index after it. */
export function skipValueType(reader: Reader): void {
  const type = reader.u8();
  if (type === 0x63 || type === 0x64) reader.skipLeb();
}
