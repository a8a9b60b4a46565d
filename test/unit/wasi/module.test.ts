import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_REFUSALS_IN_A_ROW, REFUSED_PAGES_EXPORT } from '../../../runtimes/wasi/module/grow-guard.ts';
import { maxPagesOf, prepareModule } from '../../../runtimes/wasi/module/prepare.ts';
import { ModuleFormatError } from '../../../runtimes/wasi/module/reader.ts';
import { FD_WRITE_TYPE, moduleOf, P1, section, type ModuleParts } from './modules.ts';

const MEBIBYTE = 1 << 20;
const prepare = (parts: ModuleParts, memoryBytes = MEBIBYTE): Uint8Array<ArrayBuffer> =>
  prepareModule(moduleOf(parts), { memoryBytes });

function run(bytes: Uint8Array<ArrayBuffer>): {
  memory: WebAssembly.Memory;
  refused: unknown;
  start: () => void;
} {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  return {
    memory: exports['memory'] as WebAssembly.Memory,
    start: exports['_start'] as () => void,
    get refused() {
      return (exports[REFUSED_PAGES_EXPORT] as WebAssembly.Global | undefined)?.value;
    },
  };
}

/** `memory.grow(pages)`, its answer dropped. */
const grow = (pages: number): number[] => [0x41, pages, 0x40, 0, 0x1a];

describe('the memory cap', () => {
  it.each([
    ['without a maximum', [0, 1]],
    ['with a higher one', [1, 1, 100]],
  ])('is set on a memory %s', (_, memory) => {
    const guest = run(prepare({ memory, start: [...grow(15), ...grow(1)] }));
    guest.start();
    expect(guest.memory.buffer.byteLength).toBe(MEBIBYTE);
    expect(guest.refused).toBe(1);
  });

  it('leaves a lower maximum as it is', () => {
    const guest = run(prepare({ memory: [1, 1, 2], start: grow(2) }));
    guest.start();
    expect(guest.memory.buffer.byteLength).toBe(65_536);
  });

  it('refuses a module that needs more to start with', () => {
    expect(() => prepare({ memory: [0, 17] })).toThrow('it needs 1114112 bytes of memory to start with');
    expect(() => prepare({ memory: [0, 16] })).not.toThrow();
  });

  it.each([
    ['shared', [3, 1, 2], 'shared'],
    ['64-bit', [4, 1], '64-bit'],
    ['of no known kind', [8, 1], 'unknown kind'],
  ])('refuses a memory that is %s', (_, memory, message) => {
    expect(() => prepare({ memory })).toThrow(message);
  });

  it('caps tables too', () => {
    expect(() => prepare({ table: [0, 0xff, 0xff, 0xff, 0x7f] })).toThrow(
      'its tables have 268435455 entries; the limit is 1000000',
    );
    const table = [0, 1];
    const instance = new WebAssembly.Instance(new WebAssembly.Module(prepare({ table })), {});
    expect(instance.exports).toBeDefined();
  });

  it('is whole pages, and never more than a memory can have', () => {
    expect(maxPagesOf(65_535)).toBe(0);
    expect(maxPagesOf(200_000)).toBe(3);
    expect(maxPagesOf(2 ** 40)).toBe(65_536);
  });
});

describe('the guard of memory growth', () => {
  it('remembers what was refused last, and forgets it when growing succeeds', () => {
    const refused = run(prepare({ start: [...grow(2), ...grow(60)] }));
    refused.start();
    expect(refused.refused).toBe(60);
    const recovered = run(prepare({ start: [...grow(60), ...grow(2)] }));
    recovered.start();
    expect(recovered.refused).toBe(0);
  });

  it('stops a program that asks on and on', () => {
    const loop = run(prepare({ start: [0x03, 0x40, ...grow(60), 0x0c, 0, 0x0b] }));
    expect(() => loop.start()).toThrow(WebAssembly.RuntimeError);
    expect(loop.refused).toBe(60);
    expect(MAX_REFUSALS_IN_A_ROW).toBe(1_000_000);
  });

  it('takes nothing for growth that only looks like it', () => {
    // i32.const 0x2040 has the bytes 0x40 in it; so has the immediate of a block.
    const looks = [0x02, 0x40, 0x00, 0x0b];
    const bytes = prepare({ start: [0x41, 0xc0, 0x40, 0x1a, 0x02, 0x40, 0x01, 0x0b, ...grow(1)] });
    expect(() => run(bytes).start()).not.toThrow();
    expect(() => run(prepare({ start: looks })).start()).toThrow(WebAssembly.RuntimeError);
  });

  it('leaves a module that never grows as it was', () => {
    expect(Buffer.from(prepare({ memory: [1, 1, 1] }))).toEqual(Buffer.from(moduleOf({ memory: [1, 1, 1] })));
  });
});

describe('what a module asks for', () => {
  it.each<[string, ModuleParts, string]>([
    ['another namespace', { imports: [['env', 'host', 0, 0]] }, '`env.host`; only wasi_snapshot_preview1'],
    [
      'a call that there is not',
      { imports: [[P1, 'sock_open', 0, 0]] },
      '`wasi_snapshot_preview1.sock_open`, which',
    ],
    [
      'a property of an object',
      { imports: [[P1, 'constructor', 0, 0]] },
      'which WASI preview1 does not have',
    ],
    ['a call of the wrong type', { imports: [[P1, 'fd_write', 0, 0]] }, 'with the wrong type'],
    ['a memory', { imports: [[P1, 'memory', 2, 0, 1]] }, 'only functions can be imported'],
  ])('is refused: %s', (_, parts, message) => {
    expect(() => prepare(parts)).toThrow(message);
    expect(() => prepare(parts)).toThrow(ModuleFormatError);
  });

  it('is granted from either generation', () => {
    for (const namespace of [P1, 'wasi_unstable']) {
      expect(() =>
        prepare({ types: [FD_WRITE_TYPE], imports: [[namespace, 'fd_write', 0, 1]] }),
      ).not.toThrow();
    }
  });

  it('must show a start and a memory', () => {
    expect(() => prepare({ exports: [['memory', 2, 0]] })).toThrow('no function `_start`');
    expect(() => prepare({ exports: [['_initialize', 0, 0]] })).toThrow('a WASI reactor');
    const calls: ModuleParts = { types: [FD_WRITE_TYPE], imports: [[P1, 'fd_write', 0, 1]] };
    expect(() => prepare({ ...calls, exports: [['_start', 0, 1]] })).toThrow('exports no `memory`');
    expect(() => prepare({ exports: [['_start', 0, 0]] })).not.toThrow();
  });
});

describe('bytes that are no module', () => {
  it.each<[string, number[], string]>([
    ['nothing', [], 'not a WebAssembly module'],
    ['text', [...Buffer.from('#!/bin/sh')], 'not a WebAssembly module'],
    ['a component', [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], 'component'],
    ['a section that is cut', [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 200], 'ends in the middle'],
    [
      'a number without end',
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff],
      'out of range',
    ],
  ])('are refused: %s', (_, bytes, message) => {
    expect(() => prepareModule(Uint8Array.from(bytes), { memoryBytes: MEBIBYTE })).toThrow(message);
  });

  it('are refused and nothing worse, wherever a real module is damaged', () => {
    const behave = readFileSync(new URL('../../fixtures/wasi/behave.wasm', import.meta.url));
    fc.assert(
      fc.property(fc.nat(behave.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const damaged = cut ? behave.subarray(0, at) : Uint8Array.from(behave);
        if (!cut) damaged[at] = value;
        try {
          prepareModule(damaged, { memoryBytes: 16 * MEBIBYTE, meterFuel: true });
        } catch (error) {
          expect(error).toBeInstanceOf(ModuleFormatError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('may come after the module in custom sections', () => {
    expect(() => prepare({ raw: section(0, 1, 0x78, 1, 2, 3) })).not.toThrow();
  });
});
