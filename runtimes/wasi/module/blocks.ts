import { readCatches, skipBlockType, skipImmediates, skipLocals } from './instructions.ts';
import { Reader } from './reader.ts';

/** Instructions without a gap between them: when the first one runs, so do all, unless one of them traps. */
export interface BasicBlock {
  /** Where its first instruction begins, in the function's body. */
  readonly at: number;
  /** How many of its instructions count. */
  cost: number;
  /** It begins a function or a round of a loop: all that runs on and on comes by such a place. */
  readonly isCheckpoint: boolean;
}

const OP = {
  UNREACHABLE: 0x00,
  NOP: 0x01,
  BLOCK: 0x02,
  LOOP: 0x03,
  IF: 0x04,
  ELSE: 0x05,
  TRY: 0x06,
  CATCH: 0x07,
  THROW: 0x08,
  RETHROW: 0x09,
  THROW_REF: 0x0a,
  END: 0x0b,
  BR: 0x0c,
  BR_IF: 0x0d,
  BR_TABLE: 0x0e,
  RETURN: 0x0f,
  CALL: 0x10,
  CALL_INDIRECT: 0x11,
  RETURN_CALL: 0x12,
  RETURN_CALL_INDIRECT: 0x13,
  CALL_REF: 0x14,
  RETURN_CALL_REF: 0x15,
  DELEGATE: 0x18,
  CATCH_ALL: 0x19,
  DROP: 0x1a,
  TRY_TABLE: 0x1f,
  BR_ON_NULL: 0xd5,
  BR_ON_NON_NULL: 0xd6,
} as const;

/** They only give the code its shape; wasmtime counts none of those that it knows either. */
const FREE = flags([
  ...[OP.UNREACHABLE, OP.NOP, OP.BLOCK, OP.LOOP, OP.ELSE, OP.END, OP.RETURN, OP.DROP],
  ...[OP.TRY, OP.CATCH, OP.CATCH_ALL, OP.DELEGATE],
]);
/** Whoever meets one of these goes elsewhere: what stands behind it is reached by a label, if at all. */
const LEAVING = flags([
  ...[OP.UNREACHABLE, OP.RETURN, OP.BR, OP.BR_TABLE, OP.THROW, OP.RETHROW, OP.THROW_REF],
  ...[OP.RETURN_CALL, OP.RETURN_CALL_INDIRECT, OP.RETURN_CALL_REF],
]);
/** Behind one of these the program may go on, or not. */
const SPLITTING = flags([
  ...[OP.IF, OP.BR_IF, OP.BR_ON_NULL, OP.BR_ON_NON_NULL, OP.CALL, OP.CALL_INDIRECT, OP.CALL_REF],
]);

interface Label {
  readonly opcode: number;
  /** Its block can be reached. */
  readonly isLive: boolean;
  /** Something goes to its end from inside. */
  isTarget: boolean;
}

/**
 * The basic blocks of one function's body, in their order. Each instruction that counts is in exactly one of them,
 * unless nothing reaches it. Calling the function costs one by itself.
 * @throws UnknownInstruction
 */
export function basicBlocks(body: Uint8Array): BasicBlock[] {
  return new Walk(body).blocks;
}

class Walk {
  readonly blocks: BasicBlock[] = [];
  readonly #reader: Reader;
  readonly #labels: Label[] = [];
  /** Undefined where nothing gets. */
  #current: BasicBlock | undefined;

  constructor(body: Uint8Array) {
    this.#reader = new Reader(body);
    skipLocals(this.#reader);
    this.#labels.push({ opcode: OP.BLOCK, isLive: true, isTarget: true });
    const entry = this.#begin(true);
    entry.cost = 1;
    while (!this.#reader.atEnd) this.#step(this.#reader.u8());
  }

  #begin(isCheckpoint = false): BasicBlock {
    const block = { at: this.#reader.position, cost: 0, isCheckpoint };
    this.blocks.push(block);
    this.#current = block;
    return block;
  }

  #step(opcode: number): void {
    if (this.#current !== undefined && FREE[opcode] !== 1) this.#current.cost += 1;
    const step = STEPS[opcode];
    if (step === undefined) skipImmediates(this.#reader, opcode);
    else step(this, this.#reader, opcode);
    if (LEAVING[opcode] === 1) this.#current = undefined;
    else if (SPLITTING[opcode] === 1) this.#resume(this.#current !== undefined);
  }

  open(opcode: number): void {
    skipBlockType(this.#reader);
    // A clause's labels are those around the block that it belongs to.
    if (opcode === OP.TRY_TABLE) for (const label of readCatches(this.#reader)) this.target(label);
    const isLive = this.#current !== undefined;
    this.#labels.push({ opcode, isLive, isTarget: false });
    if (isLive && opcode === OP.LOOP) this.#begin(true);
  }

  /** The other part of a block: what comes to it does not come through the first. */
  otherwise(): void {
    this.#resume(this.#labels.at(-1)?.isLive === true);
  }

  /** Behind a block: where it is left by more than one way a new block begins. */
  close(): void {
    const label = this.#labels.pop();
    const isJoint = label?.opcode === OP.IF || label?.opcode === OP.TRY || label?.isTarget === true;
    if (label !== undefined && isJoint) this.#resume(label.isLive && this.#labels.length > 0);
  }

  #resume(isReached: boolean): void {
    if (isReached) this.#begin();
    else this.#current = undefined;
  }

  /** The label of a loop is its beginning, where a block begins anyway. */
  target(depth: number): void {
    const label = this.#labels.at(-1 - depth);
    if (label !== undefined && label.opcode !== OP.LOOP) label.isTarget = true;
  }
}

type Step = (walk: Walk, reader: Reader, opcode: number) => void;
const open: Step = (walk, _, opcode) => walk.open(opcode);
const branch: Step = (walk, reader) => walk.target(reader.u32());

/** Instructions that shape the way through the code, with their immediates; of the others only the length matters. */
const STEPS: Readonly<Record<number, Step>> = {
  [OP.BLOCK]: open,
  [OP.LOOP]: open,
  [OP.IF]: open,
  [OP.TRY]: open,
  [OP.TRY_TABLE]: open,
  [OP.ELSE]: (walk) => walk.otherwise(),
  [OP.CATCH_ALL]: (walk) => walk.otherwise(),
  [OP.CATCH]: (walk, reader) => {
    reader.skipLeb();
    walk.otherwise();
  },
  [OP.END]: (walk) => walk.close(),
  [OP.DELEGATE]: (walk, reader) => {
    reader.skipLeb();
    walk.close();
  },
  [OP.BR]: branch,
  [OP.BR_IF]: branch,
  [OP.BR_ON_NULL]: branch,
  [OP.BR_ON_NON_NULL]: branch,
  [OP.BR_TABLE]: (walk, reader) => {
    for (let targets = reader.u32() + 1; targets > 0; targets--) walk.target(reader.u32());
  },
};

function flags(opcodes: readonly number[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const opcode of opcodes) set[opcode] = 1;
  return set;
}
