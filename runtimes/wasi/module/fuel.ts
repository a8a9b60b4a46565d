import { basicBlocks, type BasicBlock } from './blocks.ts';
import { appendToSection, bytes, findSection, name, SECTION, signed, u32, vectorLength } from './binary.ts';
import type { Section } from './binary.ts';
import { rewriteFunctions } from './code.ts';
import { UnknownInstruction } from './instructions.ts';
import { ModuleFormatError } from './reader.ts';
import type { Sink } from './sink.ts';

/** Exported from a metered module: an i64, what is left of the fuel that the host has granted. */
export const FUEL_EXPORT = '__ergon_fuel';
/**
 * Exported from a metered module: a table of one function `() -> ()`, which the host puts there. It is called when the
 * fuel has run out, and grants more, or does not.
 */
export const REFUEL_EXPORT = '__ergon_refuel';

const FUNC_REF = 0x70;
const I64 = 0x7e;
const MUTABLE = 1;
const TABLE_KIND = 1;
const GLOBAL_KIND = 3;

interface Indexes {
  /** Global: what is left. */
  readonly fuel: number;
  /** Function: asks the host for more, and traps when there is none. */
  readonly refuel: number;
}

/**
 * Has a module count what it does: one unit for each instruction and each call of a function, taken at the beginning of
 * each basic block. Whether it has run out is looked at where functions and rounds of loops begin. All that is added
 * goes to the ends of the index spaces, so that no index in the module changes. It must be valid as it came: nothing of
 * a valid module can name what is added.
 * @throws ModuleFormatError for a module with instructions that we do not know
 */
export function meterFuel(sections: Section[], importedFunctions: number): void {
  const code = findSection(sections, SECTION.CODE);
  if (code === undefined) throw new ModuleFormatError('it has no code');
  const fuel = vectorLength(sections, SECTION.GLOBAL);
  const refuel = importedFunctions + vectorLength(sections, SECTION.FUNCTION);
  const type = vectorLength(sections, SECTION.TYPE);
  const table = vectorLength(sections, SECTION.TABLE);
  const additions = new Additions({ fuel, refuel });
  code.body = rewriteFunctions(code.body, (body, out) => {
    metered(body, additions, out);
    return true;
  });

  appendToSection(sections, SECTION.TYPE, 1, bytes(0x60, 0, 0));
  appendToSection(sections, SECTION.FUNCTION, 1, bytes(...u32(type)));
  appendToSection(sections, SECTION.TABLE, 1, bytes(FUNC_REF, 1, 1, 1));
  appendToSection(sections, SECTION.GLOBAL, 1, bytes(I64, MUTABLE, 0x42, 0, 0x0b));
  const exports = [
    ...[...name(FUEL_EXPORT), GLOBAL_KIND, ...u32(fuel)],
    ...[...name(REFUEL_EXPORT), TABLE_KIND, ...u32(table)],
  ];
  appendToSection(sections, SECTION.EXPORT, 2, bytes(...exports));
  appendToSection(sections, SECTION.CODE, 1, refuelFunction(fuel, type, table));
}

function metered(body: Uint8Array, additions: Additions, out: Sink): void {
  let copiedTo = 0;
  for (const { at, cost, isCheckpoint } of blocksOf(body)) {
    if (cost === 0 && !isCheckpoint) continue;
    out.putFrom(body, copiedTo, at);
    copiedTo = at;
    out.put(additions.charge(cost));
    if (isCheckpoint) out.put(additions.check);
  }
  out.putFrom(body, copiedTo, body.length);
}

function blocksOf(body: Uint8Array): BasicBlock[] {
  try {
    return basicBlocks(body);
  } catch (error) {
    if (!(error instanceof UnknownInstruction)) throw error;
    throw new ModuleFormatError(`it has an instruction that cannot be metered (${error.message})`);
  }
}

/** What is put into the code, made once for each cost: a large module has millions of blocks. */
class Additions {
  /** `if (fuel < 0) refuel()` */
  readonly check: Uint8Array;
  readonly #fuel: number;
  readonly #charges = new Map<number, Uint8Array>();

  constructor({ fuel, refuel }: Indexes) {
    this.#fuel = fuel;
    this.check = bytes(0x23, ...u32(fuel), 0x42, 0, 0x53, 0x04, 0x40, 0x10, ...u32(refuel), 0x0b);
  }

  /** `fuel -= cost` */
  charge(cost: number): Uint8Array {
    const known = this.#charges.get(cost);
    if (known !== undefined) return known;
    const made = bytes(0x23, ...u32(this.#fuel), 0x42, ...signed(cost), 0x7d, 0x24, ...u32(this.#fuel));
    this.#charges.set(cost, made);
    return made;
  }
}

/** A code entry: calls what the host has put into the table; a trap, which nothing can catch, if that was no help. */
function refuelFunction(fuel: number, type: number, table: number): Uint8Array {
  const body = [
    0, // no locals
    ...[0x41, 0, 0x11, ...u32(type), ...u32(table)], // call_indirect
    ...[0x23, ...u32(fuel), 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b], // if it is still below zero: unreachable
    0x0b,
  ];
  return bytes(...u32(body.length), ...body);
}
