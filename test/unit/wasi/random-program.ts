import fc from 'fast-check';
import { signed, u32 } from '../../../runtimes/wasi/module/binary.ts';

/*
 * Programs that end, as trees: turned into code by one half of this file, and walked by the other, which says by itself
 * what they do and what they cost. Nothing here knows how metering is done.
 */

export type Statement =
  | { readonly kind: 'work'; readonly add: number }
  | { readonly kind: 'block' | 'loopOnce'; readonly body: readonly Statement[] }
  | { readonly kind: 'loop'; readonly rounds: number; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly bit: number;
      readonly body: readonly Statement[];
      readonly other?: readonly Statement[];
    }
  | { readonly kind: 'try'; readonly body: readonly Statement[]; readonly handler: readonly Statement[] }
  | { readonly kind: 'branch'; readonly depth: number }
  | { readonly kind: 'branchIf'; readonly bit: number; readonly depth: number }
  | { readonly kind: 'table'; readonly depths: readonly number[] }
  | { readonly kind: 'call' | 'tailCall' | 'callThroughTable'; readonly ahead: number }
  | { readonly kind: 'return' | 'throw' | 'trap' };

/** Each calls only ones that come after it. */
export type RandomProgram = readonly (readonly Statement[])[];

const MAX_FUNCTIONS = 4;

const bodies = fc.letrec<{ body: Statement[]; statement: Statement }>((tie) => {
  const body = tie('body');
  const bit = fc.nat(4);
  const leaf: fc.Arbitrary<Statement> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('work' as const), add: fc.integer() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('branchIf' as const), bit, depth: fc.nat(5) }) },
    fc.record({ kind: fc.constant('branch' as const), depth: fc.nat(5) }),
    fc.record({
      kind: fc.constant('table' as const),
      depths: fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
    }),
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('call' as const, 'callThroughTable' as const, 'tailCall' as const),
        ahead: fc.nat(MAX_FUNCTIONS),
      }),
    },
    fc.record({ kind: fc.constantFrom('return' as const, 'throw' as const, 'trap' as const) }),
  );
  const tree: fc.Arbitrary<Statement> = fc.oneof(
    fc.record({ kind: fc.constantFrom('block' as const, 'loopOnce' as const), body }),
    fc.record({ kind: fc.constant('loop' as const), rounds: fc.integer({ min: 1, max: 3 }), body }),
    fc.record({ kind: fc.constant('if' as const), bit, body, other: body }),
    fc.record({ kind: fc.constant('if' as const), bit, body }),
    fc.record({ kind: fc.constant('try' as const), body, handler: body }),
  );
  return {
    statement: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tree),
    body: fc.array(tie('statement'), { maxLength: 5 }),
  };
});

export const randomPrograms: fc.Arbitrary<RandomProgram> = fc.array(bodies.body, {
  minLength: 1,
  maxLength: MAX_FUNCTIONS,
});

/** Labels of the blocks that one can leave; a loop's own is only for its own next round. */
type Labels = readonly ('block' | 'loop')[];

/** The label that is meant, or the nearest outer one that leads out. */
function labelOf(labels: Labels, depth: number): number {
  const leaving = [...labels.keys()].filter((i) => labels[i] === 'block');
  return leaving[depth % leaving.length] ?? labels.length - 1;
}

const EMPTY = 0x40;
const END = 0x0b;
const STATE = 0;
const testBit = (bit: number): number[] => [0x23, STATE, 0x41, ...signed(2 ** bit), 0x71];

/** Code without the function's last end. */
export function codeOf(program: RandomProgram): number[][] {
  return program.map((body, index) => {
    const callee = (ahead: number): number | undefined =>
      index + 1 < program.length ? index + 1 + (ahead % (program.length - index - 1)) : undefined;
    return encode(body, ['block'], callee);
  });
}

function encode(
  statements: readonly Statement[],
  labels: Labels,
  callee: (ahead: number) => number | undefined,
): number[] {
  const inside = (label: 'block' | 'loop', body: readonly Statement[]): number[] =>
    encode(body, [label, ...labels], callee);
  return statements.flatMap((statement): number[] => {
    switch (statement.kind) {
      case 'work':
        return [0x23, STATE, 0x41, ...signed(statement.add), 0x6a, 0x24, STATE];
      case 'block':
        return [0x02, EMPTY, ...inside('block', statement.body), END];
      case 'loopOnce':
        return [0x03, EMPTY, ...inside('loop', statement.body), END];
      case 'loop': {
        const counter = labels.length;
        const again = [0x20, counter, 0x41, 1, 0x6b, 0x22, counter, 0x0d, 0];
        return [
          0x41,
          statement.rounds,
          0x21,
          counter,
          0x03,
          EMPTY,
          ...inside('loop', statement.body),
          ...again,
          END,
        ];
      }
      case 'if': {
        const other = statement.other === undefined ? [] : [0x05, ...inside('block', statement.other)];
        return [...testBit(statement.bit), 0x04, EMPTY, ...inside('block', statement.body), ...other, END];
      }
      case 'try':
        return [
          0x06,
          EMPTY,
          ...inside('block', statement.body),
          0x19,
          ...inside('block', statement.handler),
          END,
        ];
      case 'branch':
        return [0x0c, labelOf(labels, statement.depth)];
      case 'branchIf':
        return [...testBit(statement.bit), 0x0d, labelOf(labels, statement.depth)];
      case 'table': {
        const targets = statement.depths.map((depth) => labelOf(labels, depth));
        return [0x23, STATE, 0x0e, ...u32(targets.length - 1), ...targets];
      }
      case 'call':
      case 'tailCall':
      case 'callThroughTable': {
        const index = callee(statement.ahead);
        if (index === undefined) return [];
        if (statement.kind === 'callThroughTable') return [0x41, index, 0x11, 0, 0];
        return [statement.kind === 'call' ? 0x10 : 0x12, index];
      }
      case 'return':
        return [0x0f];
      case 'throw':
        return [0x08, 0];
      case 'trap':
        return [0x00];
    }
  });
}

class Thrown extends Error {}
class Trapped extends Error {}

export interface Walked {
  readonly fuel: number;
  readonly state: number;
  readonly end: 'returned' | 'thrown' | 'trapped';
}

/** What the first function does: one for each instruction that is not free, and one for each call of a function. */
export function walk(program: RandomProgram): Walked {
  const walker = new Walker(program);
  try {
    walker.call(0);
    return { fuel: walker.fuel, state: walker.state, end: 'returned' };
  } catch (error) {
    if (!(error instanceof Thrown) && !(error instanceof Trapped)) throw error;
    return { fuel: walker.fuel, state: walker.state, end: error instanceof Thrown ? 'thrown' : 'trapped' };
  }
}

/** How many more labels are left, or the function for another one; undefined: it goes on behind the statement. */
type Leaving = number | { readonly tailCall: number } | undefined;

class Walker {
  readonly #program: RandomProgram;
  fuel = 0;
  state = 0;

  constructor(program: RandomProgram) {
    this.#program = program;
  }

  call(index: number): void {
    this.fuel += 1;
    const leaving = this.#run(this.#program[index] ?? [], ['block'], index);
    if (typeof leaving === 'object') this.call(leaving.tailCall);
  }

  #run(statements: readonly Statement[], labels: Labels, index: number): Leaving {
    for (const statement of statements) {
      const leaving = this.#step(statement, labels, index);
      if (leaving !== undefined) return leaving;
    }
    return undefined;
  }

  #inside(label: 'block' | 'loop', body: readonly Statement[], labels: Labels, index: number): Leaving {
    const leaving = this.#run(body, [label, ...labels], index);
    if (typeof leaving !== 'number') return leaving;
    return leaving === 0 ? undefined : leaving - 1;
  }

  #isSet(bit: number): boolean {
    return (this.state & (2 ** bit)) !== 0;
  }

  #step(statement: Statement, labels: Labels, index: number): Leaving {
    switch (statement.kind) {
      case 'work':
        this.fuel += 4;
        this.state = (this.state + statement.add) | 0;
        return undefined;
      case 'block':
        return this.#inside('block', statement.body, labels, index);
      case 'loopOnce':
        return this.#inside('loop', statement.body, labels, index);
      case 'loop':
        return this.#loop(statement, labels, index);
      case 'if':
        this.fuel += 4;
        return this.#inside(
          'block',
          (this.#isSet(statement.bit) ? statement.body : statement.other) ?? [],
          labels,
          index,
        );
      case 'try':
        return this.#try(statement, labels, index);
      case 'branch':
        this.fuel += 1;
        return labelOf(labels, statement.depth);
      case 'branchIf':
        this.fuel += 4;
        return this.#isSet(statement.bit) ? labelOf(labels, statement.depth) : undefined;
      case 'table': {
        this.fuel += 2;
        const last = statement.depths.length - 1;
        return labelOf(labels, statement.depths[Math.min(this.state >>> 0, last)] ?? 0);
      }
      case 'call':
      case 'tailCall':
      case 'callThroughTable':
        return this.#callAhead(statement, index);
      case 'return':
        return labels.length - 1;
      case 'throw':
        this.fuel += 1;
        throw new Thrown();
      case 'trap':
        throw new Trapped();
    }
  }

  #loop({ rounds, body }: Extract<Statement, { kind: 'loop' }>, labels: Labels, index: number): Leaving {
    this.fuel += 2;
    for (let round = 0; round < rounds; round++) {
      const leaving = this.#inside('loop', body, labels, index);
      if (leaving !== undefined) return leaving;
      this.fuel += 5;
    }
    return undefined;
  }

  #try({ body, handler }: Extract<Statement, { kind: 'try' }>, labels: Labels, index: number): Leaving {
    try {
      return this.#inside('block', body, labels, index);
    } catch (error) {
      if (!(error instanceof Thrown)) throw error;
      return this.#inside('block', handler, labels, index);
    }
  }

  #callAhead({ kind, ahead }: Extract<Statement, { ahead: number }>, index: number): Leaving {
    const behind = this.#program.length - index - 1;
    if (behind === 0) return undefined;
    this.fuel += kind === 'callThroughTable' ? 2 : 1;
    const callee = index + 1 + (ahead % behind);
    if (kind === 'tailCall') return { tailCall: callee };
    this.call(callee);
    return undefined;
  }
}
