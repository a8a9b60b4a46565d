import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basicBlocks } from '../../../runtimes/wasi/module/blocks.ts';
import { prepareModule } from '../../../runtimes/wasi/module/prepare.ts';
import { ModuleFormatError } from '../../../runtimes/wasi/module/reader.ts';
import { runBare, runMetered } from './metered.ts';
import { codeOf, randomPrograms, walk, type RandomProgram, type Walked } from './random-program.ts';
import { programOf, type ProgramParts } from './wasm-builder.ts';

const EMPTY = 0x40;
const END = 0x0b;
/** Three that count: two constants and their sum; the drop is free. */
const WORK = [0x41, 1, 0x41, 2, 0x6a, 0x1a];
const number = (value: number): number[] => [0x41, value];
const block = (...code: number[]): number[] => [0x02, EMPTY, ...code, END];
/** `local 0 = rounds; loop { code; if (--local 0) again }`: 2, and 5 + code a round. */
const rounds = (count: number, ...code: number[]): number[] => [
  ...[...number(count), 0x21, 0, 0x03, EMPTY, ...code],
  ...[0x20, 0, ...number(1), 0x6b, 0x22, 0, 0x0d, 0, END],
];
const used = (...start: number[]): number => runMetered(programOf({ functions: [start] })).used;
const usedBy = (parts: ProgramParts): number => runMetered(programOf(parts)).used;

describe('fuel, counted by hand', () => {
  it.each<[string, number[], number]>([
    ['a function that does nothing: the call of it', [], 1],
    ['an instruction each', WORK, 4],
    ['nop, drop, block, return: nothing', [0x01, ...block(0x01, ...block()), 0x0f], 1],
    ['what is behind a return: nothing', [...WORK, 0x0f, ...WORK], 4],
    [
      'behind an unconditional branch: nothing',
      [...block(...WORK, 0x0c, 0, ...WORK), ...WORK],
      1 + 3 + 1 + 3,
    ],
    ['behind one in an inner block', [...block(...block(0x0c, 1), ...WORK), ...WORK], 1 + 1 + 3],
    ['in a block that nothing gets to', [0x0f, ...block(...WORK, ...block(...WORK)), ...WORK], 1],
    ['an if that is taken', [...number(1), 0x04, EMPTY, ...WORK, END], 1 + 2 + 3],
    ['an if that is not', [...number(0), 0x04, EMPTY, ...WORK, END, ...WORK], 1 + 2 + 3],
    ['the one way of an if', [...number(1), 0x04, EMPTY, ...WORK, 0x05, ...WORK, ...WORK, END], 1 + 2 + 3],
    ['and the other', [...number(0), 0x04, EMPTY, ...WORK, 0x05, ...WORK, ...WORK, END], 1 + 2 + 6],
    [
      'an else that comes back after a return',
      [...number(0), 0x04, EMPTY, 0x0f, 0x05, ...WORK, END, ...WORK],
      9,
    ],
    [
      'an if that is left from within',
      [...number(1), 0x04, EMPTY, 0x0c, 0, ...WORK, END, ...WORK],
      1 + 2 + 1 + 3,
    ],
    ['a branch that is taken', [...block(...number(1), 0x0d, 0, ...WORK), ...WORK], 1 + 2 + 3],
    ['a branch that is not', [...block(...number(0), 0x0d, 0, ...WORK), ...WORK], 1 + 2 + 3 + 3],
    ['each round of a loop', rounds(10, ...WORK), 1 + 2 + 10 * (5 + 3)],
    ['a loop in a loop', rounds(3, ...block(...WORK)), 1 + 2 + 3 * 8],
    ['a loop that is not repeated', [0x03, EMPTY, ...WORK, END, ...WORK], 1 + 6],
    ['select, locals, globals', [...number(1), 0x24, 0, 0x23, 0, 0x21, 1, 0x20, 1, 0x22, 2, 0x1a], 1 + 6],
    ['vectors', [0xfd, 12, ...new Array<number>(16).fill(1), 0xfd, 83, 0x1a], 1 + 2],
    ['saturating conversions', [0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a], 1 + 2],
  ])('%s', (_, code, expected) => {
    expect(used(...code)).toBe(expected);
  });

  it.each([
    [0, 0],
    [1, 3],
    [2, 6],
    [63, 6],
  ])('the way of a branch table: %i', (way, behind) => {
    // The label is the outermost of three blocks for 2 and more, and WORK follows each of the inner ones.
    const code = block(...block(...block(...number(way), 0x0e, 2, 2, 1, 0), ...WORK), ...WORK);
    expect(used(...code, ...WORK)).toBe(1 + 2 + behind + 3);
  });

  it('a function for each call of it', () => {
    const functions = [[0x10, 1, ...WORK, 0x10, 1], WORK];
    expect(usedBy({ functions })).toBe(1 + 1 + 4 + 3 + 1 + 4);
  });

  it('a call through a table: its index, the call, and the function', () => {
    const functions = [[...number(1), 0x11, 0, 0], [], WORK];
    expect(usedBy({ functions, table: [1, 2] })).toBe(1 + 2 + 1 + 3);
  });

  it('tail calls, and nothing behind them', () => {
    expect(usedBy({ functions: [[...WORK, 0x12, 1, ...WORK], WORK] })).toBe(1 + 3 + 1 + 4);
    const indirect = [...number(0), 0x13, 0, 0];
    expect(usedBy({ functions: [indirect, WORK], table: [1] })).toBe(1 + 2 + 4);
  });

  it('exceptions: what ran before, the throw, and who catches', () => {
    const caught = [0x06, EMPTY, 0x10, 1, ...WORK, 0x19, ...WORK, END, ...WORK];
    expect(usedBy({ functions: [caught, [...WORK, 0x08, 0, ...WORK]] })).toBe(1 + 1 + (1 + 3 + 1) + 3 + 3);
    const tagged = [0x06, EMPTY, 0x08, 0, 0x07, 0, ...WORK, END];
    expect(used(...tagged)).toBe(1 + 1 + 3);
    const notThrown = [0x06, EMPTY, ...WORK, 0x19, ...WORK, ...WORK, END, ...WORK];
    expect(used(...notThrown)).toBe(1 + 3 + 3);
    const delegated = [0x06, EMPTY, 0x06, EMPTY, 0x08, 0, 0x18, 0, ...WORK, 0x19, ...WORK, END];
    expect(used(...delegated)).toBe(1 + 1 + 3);
    const again = [0x06, EMPTY, 0x06, EMPTY, 0x08, 0, 0x19, ...WORK, 0x09, 0, ...WORK, END, 0x19, END];
    expect(used(...again)).toBe(1 + 1 + 3 + 1);
  });

  it('the newer kind of exceptions: a clause is a way to the label that it names', () => {
    // block; try_table with catch_all to the block; call; work; end; work; end; work
    const body = [0, 0x02, EMPTY, 0x1f, EMPTY, 1, 2, 0, 0x10, 0, ...WORK, END, ...WORK, END, ...WORK, END];
    const blocks = basicBlocks(Uint8Array.from(body));
    // Into the call with try_table itself; behind the call to the block's end; and from there.
    expect(blocks.map(({ cost }) => cost).filter((cost) => cost > 0)).toEqual([1 + 1 + 1, 3 + 3, 3]);
  });

  it('a start function, before the program', () => {
    const program = programOf({ functions: [WORK, [...WORK, ...number(7), 0x24, 0]], start: 1 });
    expect(runMetered(program)).toMatchObject({ used: 1 + 3 + 2 + 1 + 3, state: 7, error: undefined });
  });

  it('work on memory: one each, also for what is refused', () => {
    const fill = [...number(0), ...number(1), ...number(64), 0xfc, 11, 0];
    const copy = [...number(0), ...number(8), ...number(8), 0xfc, 10, 0, 0];
    const store = [...number(0), ...number(1), 0x36, 2, 0];
    const grow = [...number(60), 0x40, 0, 0x1a];
    const code = [...fill, ...copy, ...store, ...grow, 0x3f, 0, 0x1a];
    expect(usedBy({ functions: [code], memory: [0, 1] })).toBe(1 + 4 + 4 + 3 + 2 + 1);
  });

  it('a trap: the basic block that it stands in, up to the next call or branch', () => {
    const divide = [...number(1), ...number(0), 0x6d, 0x1a];
    const run = runMetered(programOf({ functions: [[...WORK, ...divide, ...WORK, 0x10, 1, ...WORK], WORK] }));
    expect(run.error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(run.used).toBe(1 + 3 + 3 + 3 + 1);
    expect(used(...WORK, 0x00, ...WORK)).toBe(1 + 3);
  });
});

describe('fuel that is limited', () => {
  const program = programOf({ functions: [[...rounds(50, ...WORK), ...number(9), 0x24, 0]] });
  const total = 1 + 2 + 50 * 8 + 2;

  it('lets a program use all of it', () => {
    expect(runMetered(program, total)).toMatchObject({
      used: total,
      isEmpty: false,
      error: undefined,
      state: 9,
    });
  });

  it('ends it in the round that goes beyond', () => {
    const run = runMetered(program, 200);
    expect(run).toMatchObject({ isEmpty: true, state: 0 });
    expect(run.error).toBeInstanceOf(WebAssembly.RuntimeError);
    // Rounds begin with their whole cost: 3 + 24 × 8 are 195, the next is too much.
    expect(run.used).toBe(203);
  });

  it('starts nothing when there is none', () => {
    expect(runMetered(program, 0)).toMatchObject({ isEmpty: true, state: 0, used: 3 });
  });

  it('cannot be got over by catching everything', () => {
    const forever = [0x03, EMPTY, 0x0c, 0, END];
    const catching = [0x03, EMPTY, 0x06, EMPTY, 0x10, 1, 0x19, END, 0x0c, 0, END];
    const run = runMetered(programOf({ functions: [catching, forever] }), 1000);
    expect(run.isEmpty).toBe(true);
    expect(run.error).toBeInstanceOf(WebAssembly.RuntimeError);
  });

  it('is told while the program runs, and never falls', () => {
    const inner = [
      ...number(0),
      0x21,
      1,
      0x03,
      EMPTY,
      0x20,
      1,
      ...number(1),
      0x6a,
      0x22,
      1,
      0x41,
      0x80,
      0xda,
      0xc4,
      0x09,
      0x49,
      0x0d,
      0,
      END,
    ];
    const { used: all, reports } = runMetered(programOf({ functions: [inner] }));
    // Twenty million rounds of seven.
    expect(all).toBe(1 + 2 + 20_000_000 * 7);
    expect(reports.length).toBeGreaterThan(10);
    expect(reports).toEqual(reports.toSorted((a, b) => Number(a - b)));
  });
});

function endOf(error: unknown): Walked['end'] {
  if (error === undefined) return 'returned';
  return error instanceof WebAssembly.RuntimeError ? 'trapped' : 'thrown';
}

function compiled(program: RandomProgram): Uint8Array<ArrayBuffer> {
  return programOf({ functions: codeOf(program), locals: 64, table: [...program.keys()] });
}

describe('any program', () => {
  it('does metered what it does bare, and costs what walking through it costs', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(randomPrograms, (program) => {
        const source = compiled(program);
        const { fuel, ...outcome } = walk(program);
        const bare = runBare(source);
        const metered = runMetered(source);
        ends.add(outcome.end);
        expect({ state: bare.state, end: endOf(bare.error) }).toEqual(outcome);
        expect({ state: metered.state, end: endOf(metered.error) }).toEqual(outcome);
        expect(metered.used).toBe(fuel);
      }),
      { numRuns: 2000 },
    );
    expect(ends).toEqual(new Set(['returned', 'thrown', 'trapped']));
  });

  it('ends at its limit if it costs more, and not otherwise', () => {
    fc.assert(
      fc.property(randomPrograms, fc.nat(200), (program, limit) => {
        const { fuel } = walk(program);
        const run = runMetered(compiled(program), limit);
        expect(run.isEmpty).toBe(run.used > limit);
        if (fuel <= limit) expect(run.used).toBe(fuel);
        else expect(run.used).toBeGreaterThan(limit);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a module to be metered', () => {
  it('does what it did before', () => {
    const source = programOf({ functions: [[...rounds(5, 0x23, 0, ...number(3), 0x6a, 0x24, 0)]] });
    expect(runMetered(source).state).toBe(15);
    expect(runBare(source).state).toBe(15);
  });

  it.each([
    ['garbage collection', [0xfb, 0, 0]],
    ['an opcode of nothing', [0x27]],
    ['a bulk operation of nothing', [0xfc, 99]],
  ])('is refused with instructions that are not known: %s', (_, code) => {
    const source = programOf({ functions: [code] });
    const meterFuel = (): unknown => prepareModule(source, { memoryBytes: 1 << 20, meterFuel: true });
    expect(meterFuel).toThrow(ModuleFormatError);
    expect(meterFuel).toThrow('an instruction that cannot be metered');
    expect(() => prepareModule(source, { memoryBytes: 1 << 20 })).not.toThrow();
  });
});
