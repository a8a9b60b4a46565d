import { skipValueType } from './limits.ts';
import type { Reader } from './reader.ts';

/** An instruction of a proposal that we do not know. */
export class UnknownInstruction extends Error {}

export const OP = { MEMORY_GROW: 0x40, CALL: 0x10 } as const;

/** What comes after an opcode. */
const SHAPE = { UNKNOWN: 0, NOTHING: 1, INDEX: 2, MEMORY: 3, OWN: 4 } as const;

const isBetween = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** Instructions whose immediates have a shape of their own. */
const OWN_SHAPES: Readonly<Record<number, (reader: Reader) => void>> = {
  0x02: skipBlockType, // block
  0x03: skipBlockType, // loop
  0x04: skipBlockType, // if
  0x06: skipBlockType, // try
  0x0e: (reader) => skipLebs(reader, reader.u32() + 1), // br_table
  0x11: (reader) => skipLebs(reader, 2), // call_indirect
  0x13: (reader) => skipLebs(reader, 2), // return_call_indirect
  0x1c: (reader) => skipTypes(reader, reader.u32()), // select with types
  0x1f: skipTryTable,
  0x43: (reader) => reader.skip(4), // f32.const
  0x44: (reader) => reader.skip(8), // f64.const
  0xfc: (reader) => skipBulk(reader, reader.u32()),
  0xfd: (reader) => skipVector(reader, reader.u32()),
  0xfe: (reader) => skipAtomic(reader, reader.u32()),
};

const SHAPES = Uint8Array.from({ length: 256 }, (_, opcode) => shapeOf(opcode));

/** Moves past the immediates of `opcode`, which was just read. @throws UnknownInstruction */
export function skipImmediates(reader: Reader, opcode: number): void {
  switch (SHAPES[opcode]) {
    case SHAPE.NOTHING:
      return;
    case SHAPE.INDEX:
      reader.skipLeb();
      return;
    case SHAPE.MEMORY:
      skipMemoryArgument(reader);
      return;
    case SHAPE.OWN:
      OWN_SHAPES[opcode]?.(reader);
      return;
    default:
      throw new UnknownInstruction(`0x${opcode.toString(16)}`);
  }
}

function shapeOf(opcode: number): number {
  if (OWN_SHAPES[opcode] !== undefined) return SHAPE.OWN;
  if (hasNoImmediate(opcode)) return SHAPE.NOTHING;
  if (hasOneIndex(opcode)) return SHAPE.INDEX;
  return isBetween(opcode, 0x28, 0x3e) ? SHAPE.MEMORY : SHAPE.UNKNOWN;
}

function hasNoImmediate(opcode: number): boolean {
  if (isBetween(opcode, 0x45, 0xc4)) return true; // comparisons, arithmetic, conversions
  // unreachable, nop, else, throw_ref, end, return, catch_all, drop, select, ref.is_null and kin
  return [0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4].includes(opcode);
}

function hasOneIndex(opcode: number): boolean {
  if (isBetween(opcode, 0x20, 0x26)) return true; // locals, globals, tables
  if (isBetween(opcode, 0x3f, 0x42)) return true; // memory.size, memory.grow, i32.const, i64.const
  // catch, throw, rethrow, br, br_if, call, return_call, call_ref, return_call_ref, delegate, ref.null, ref.func, br_on_null…
  return [0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18, 0xd0, 0xd2, 0xd5, 0xd6].includes(
    opcode,
  );
}

/** Moves past the locals that a function's body begins with. */
export function skipLocals(reader: Reader): void {
  const groups = reader.u32();
  for (let i = 0; i < groups; i++) {
    reader.skipLeb();
    skipValueType(reader);
  }
}

function skipLebs(reader: Reader, count: number): void {
  for (let i = 0; i < count; i++) reader.skipLeb();
}

function skipTypes(reader: Reader, count: number): void {
  for (let i = 0; i < count; i++) skipValueType(reader);
}

/** Moves past the type of a block. */
export function skipBlockType(reader: Reader): void {
  const type = reader.peek() ?? 0;
  if (type === 0x40 || isBetween(type, 0x60, 0x7f)) reader.skip(1);
  else if (type === 0x63 || type === 0x64) skipValueType(reader);
  else reader.skipLeb();
}

function skipMemoryArgument(reader: Reader): void {
  const HAS_MEMORY_INDEX = 0x40;
  if ((reader.u32() & HAS_MEMORY_INDEX) !== 0) reader.skipLeb();
  reader.skipLeb();
}

function skipTryTable(reader: Reader): void {
  skipBlockType(reader);
  readCatches(reader);
}

/** The labels that a try_table's clauses go to, as seen from outside of it. */
export function readCatches(reader: Reader): number[] {
  const HAS_TAG_BELOW = 2;
  const count = reader.u32();
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.u8() < HAS_TAG_BELOW) reader.skipLeb();
    labels.push(reader.u32());
  }
  return labels;
}

/** 0xfc: saturating conversions, and the bulk operations on memories and tables. */
function skipBulk(reader: Reader, operation: number): void {
  if (operation <= 7) return;
  if (operation > 17) throw new UnknownInstruction(`0xfc ${operation}`);
  skipLebs(reader, [8, 10, 12, 14].includes(operation) ? 2 : 1);
}

/** 0xfd: SIMD. */
function skipVector(reader: Reader, operation: number): void {
  if (operation <= 11 || operation === 92 || operation === 93) skipMemoryArgument(reader);
  else if (operation === 12 || operation === 13) reader.skip(16);
  else if (isBetween(operation, 21, 34)) reader.skip(1);
  else if (isBetween(operation, 84, 91)) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
}

/** 0xfe: atomics. */
function skipAtomic(reader: Reader, operation: number): void {
  const FENCE = 3;
  if (operation === FENCE) reader.skip(1);
  else skipMemoryArgument(reader);
}
