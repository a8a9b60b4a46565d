import {
  appendToSection,
  bytes,
  findSection,
  name,
  SECTION,
  signed,
  u32,
  vectorLength,
  type Section,
} from './binary.ts';
import { rewriteFunctions } from './code.ts';
import { OP, skipImmediates, skipLocals, UnknownInstruction } from './instructions.ts';
import { Reader } from './reader.ts';
import type { Sink } from './sink.ts';

/** Exported from the guarded module: the pages that the last `memory.grow` was refused, 0 after one that succeeded. */
export const REFUSED_PAGES_EXPORT = '__ergon_refused_pages';

/**
 * A program that goes on after this many refusals in a row allocates without end. It is far above what a program
 * that copes with a full memory asks for, and takes about a second.
 */
export const MAX_REFUSALS_IN_A_ROW = 1_000_000;

const I32 = 0x7f;
const MUTABLE = 1;

/**
 * Sends every `memory.grow` through a function that remembers refusals, so that a trap or a spin at the memory limit
 * is known for what it is. The function, its type, its globals and its export are added at the ends of their index
 * spaces: no index in the module changes.
 */
export function guardGrowth(sections: Section[], importedFunctions: number): void {
  const code = findSection(sections, SECTION.CODE);
  if (code === undefined || vectorLength(sections, SECTION.MEMORY) === 0) return;
  const guardIndex = importedFunctions + vectorLength(sections, SECTION.FUNCTION);
  const rewritten = rewriteFunctions(code.body, (body, out) => rewriteFunction(body, guardIndex, out));
  if (rewritten === code.body) return;
  code.body = rewritten;

  const typeIndex = vectorLength(sections, SECTION.TYPE);
  const refusedPages = vectorLength(sections, SECTION.GLOBAL);
  const refusals = refusedPages + 1;
  const zeroGlobal = [I32, MUTABLE, 0x41, 0, 0x0b];
  appendToSection(sections, SECTION.TYPE, 1, bytes(0x60, 1, I32, 1, I32));
  appendToSection(sections, SECTION.FUNCTION, 1, bytes(...u32(typeIndex)));
  appendToSection(sections, SECTION.GLOBAL, 2, bytes(...zeroGlobal, ...zeroGlobal));
  const GLOBAL_KIND = 3;
  appendToSection(
    sections,
    SECTION.EXPORT,
    1,
    bytes(...name(REFUSED_PAGES_EXPORT), GLOBAL_KIND, ...u32(refusedPages)),
  );
  appendToSection(sections, SECTION.CODE, 1, guardFunction(refusedPages, refusals));
}

/** `(func (param $pages i32) (result i32) (local $before i32) …)`, as a code entry. */
function guardFunction(refusedPages: number, refusals: number): Uint8Array {
  const setGlobal = (index: number): number[] => [0x24, ...u32(index)];
  const getGlobal = (index: number): number[] => [0x23, ...u32(index)];
  const body = [
    ...[1, 1, I32], // one local
    ...[0x20, 0, OP.MEMORY_GROW, 0, 0x22, 1], // $before = memory.grow($pages)
    ...[0x41, 0x7f, 0x46, 0x04, 0x40], // if it is -1
    ...[0x20, 0, ...setGlobal(refusedPages)],
    ...[...getGlobal(refusals), 0x41, 1, 0x6a, ...setGlobal(refusals)],
    ...[...getGlobal(refusals), 0x41, ...signed(MAX_REFUSALS_IN_A_ROW), 0x4e, 0x04, 0x40, 0x00, 0x0b], // unreachable
    0x05, // else
    ...[0x41, 0, ...setGlobal(refusedPages), 0x41, 0, ...setGlobal(refusals)],
    0x0b,
    ...[0x20, 1, 0x0b],
  ];
  return bytes(...u32(body.length), ...body);
}

/** A function that does not grow the memory, or has an instruction that we do not know, stays as it is. */
function rewriteFunction(body: Uint8Array, guardIndex: number, out: Sink): boolean {
  // Most functions do not even have the two bytes; decoding those that do is cheap.
  if (!Buffer.from(body.buffer, body.byteOffset, body.length).includes(GROW)) return false;
  try {
    const call = bytes(OP.CALL, ...u32(guardIndex));
    let copiedTo = 0;
    for (const at of growInstructions(body)) {
      out.putFrom(body, copiedTo, at);
      out.put(call);
      copiedTo = at + GROW.length;
    }
    out.putFrom(body, copiedTo, body.length);
    return copiedTo > 0;
  } catch (error) {
    if (error instanceof UnknownInstruction) return false;
    throw error;
  }
}

const GROW = Buffer.from([OP.MEMORY_GROW, 0]);

function growInstructions(body: Uint8Array): number[] {
  const reader = new Reader(body);
  const found: number[] = [];
  skipLocals(reader);
  while (!reader.atEnd) {
    const at = reader.position;
    const opcode = reader.u8();
    skipImmediates(reader, opcode);
    if (opcode === OP.MEMORY_GROW && reader.position - at === GROW.length) found.push(at);
  }
  return found;
}
