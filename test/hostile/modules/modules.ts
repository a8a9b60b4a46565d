import {
  cpu,
  CPU_MS,
  harmless,
  memory,
  MEMORY_BYTES,
  refused,
  signal,
  type HostileProgram,
  type Outcome,
} from '../program.ts';
import { FUZZ_SAYS, fuzzModule } from './fuzz.ts';
import { concat, I32, moduleOf, name, PREVIEW1, section, signed, u32, vector, type Bytes } from './writer.ts';

const LOOP = [0x03, 0x40, 0x0c, 0x00, 0x0b];
const NO_TYPE = { parameters: [], results: [] };
const FUNCREF = 0x70;
const MIB = 1 << 20;

type Options = Partial<Pick<HostileProgram, 'limits' | 'says' | 'resources'>>;

function module(
  name: string,
  outcome: Outcome,
  made: () => Uint8Array,
  options: Options = {},
): HostileProgram {
  return { name, args: [], outcomes: { wasi: outcome }, module: made, ...options };
}

const wrongShapes: HostileProgram[] = [
  module('a program for the machine itself', refused(), () =>
    Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]),
  ),
  module('nothing', refused(), () => new Uint8Array()),
  module('a module that breaks off', refused(), () => moduleOf().subarray(0, 30)),
  module('a section longer than its module', refused(), () =>
    concat(moduleOf(), [0x00, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  ),
  module('a number that never ends', refused(), () =>
    concat(moduleOf().subarray(0, 8), [1, ...Array<number>(64).fill(0x80)]),
  ),
  module('a section of four thousand million imports', refused(), () =>
    concat(
      moduleOf().subarray(0, 8),
      section(1, [1, 0x60, 0, 0]),
      section(2, [0xff, 0xff, 0xff, 0xff, 0x0f]),
    ),
  ),
  module('random bytes behind a right header', refused(), () =>
    concat(
      moduleOf().subarray(0, 8),
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919 + 13) % 251),
    ),
  ),
  module('code that is none', refused(), () => moduleOf({ code: [0xff, 0xfe, 0xfd] })),
];

const wrongWishes: HostileProgram[] = [
  module('imports what the host has not', refused(/env\.system/), () =>
    moduleOf({ imports: [{ module: 'env', name: 'system', type: NO_TYPE }] }),
  ),
  module('imports a prototype', refused(), () =>
    moduleOf({ imports: [{ module: PREVIEW1, name: '__proto__', type: NO_TYPE }] }),
  ),
  module('imports a constructor', refused(), () =>
    moduleOf({ imports: [{ module: PREVIEW1, name: 'constructor', type: NO_TYPE }] }),
  ),
  module('imports with a wrong type', refused(/wrong type/), () =>
    moduleOf({ imports: [{ name: 'fd_write', type: { parameters: [I32], results: [I32] } }] }),
  ),
  module('a name of a megabyte', refused(), () =>
    moduleOf({ imports: [{ module: PREVIEW1, name: 'x'.repeat(MIB), type: NO_TYPE }] }),
  ),
  module('more memory to start with than is allowed', refused(/memory/), () =>
    moduleOf({ memory: [0, ...u32(MEMORY_BYTES / 65_536 + 1)] }),
  ),
  module('all memory that there can be', refused(/memory/), () =>
    moduleOf({ memory: [1, ...u32(65_536), ...u32(65_536)] }),
  ),
  module('shared memory', refused(/shared/), () => moduleOf({ memory: [3, 1, 2] })),
  module('a 64-bit memory', refused(/64-bit/), () => moduleOf({ memory: [4, 1] })),
  module('a table of four thousand million entries', refused(/table/), () =>
    moduleOf({ tables: [[FUNCREF, 0, ...u32(0xffff_ffff)]] }),
  ),
  module('a start that is not exported', refused(/_start/), () =>
    concat(moduleOf().subarray(0, 8), vector(1, [[0x60, 0, 0]])),
  ),
];

/** table.grow by a thousand again and again, until it is refused. */
const GROW_TABLE: Bytes = [
  ...[0x03, 0x40],
  ...[0xd0, FUNCREF, 0x41, ...signed(1000n), 0xfc, 0x0f, 0x00],
  ...[0x41, ...signed(-1n), 0x47, 0x0d, 0x00],
  ...[0x0b],
];
const deepBlocks = (depth: number): Uint8Array =>
  concat(...Array<Bytes>(depth).fill([0x02, 0x40]), ...Array<Bytes>(depth).fill([0x0b]));

const sizes: HostileProgram[] = [
  module('a table that grows without end', harmless, () =>
    moduleOf({ tables: [[FUNCREF, 0, 0]], code: GROW_TABLE }),
  ),
  module('a hundred tables of a hundred thousand entries', refused(/table/), () =>
    moduleOf({ tables: Array.from({ length: 100 }, () => [FUNCREF, 0, ...u32(100_000)]) }),
  ),
  module('ten thousand functions', harmless, () =>
    moduleOf({ functions: Array.from({ length: 10_000 }, () => [0x41, 1, 0x1a]) }),
  ),
  module('five thousand blocks in each other', harmless, () => moduleOf({ code: deepBlocks(5000) })),
  module('more local variables than there may be', refused(), () =>
    moduleOf({ locals: [1, ...u32(0xffff_fff0), I32] }),
  ),
  module('data beyond its memory', signal('SIGABRT'), () =>
    moduleOf({ data: [concat([0, 0x41], signed(65_530n), [0x0b, ...u32(100)], new Uint8Array(100))] }),
  ),
  module('sixteen megabytes of what nobody needs', harmless, () =>
    moduleOf({ more: section(0, name('junk'), new Uint8Array(16 * MIB)) }),
  ),
  module('twenty thousand exports', harmless, () =>
    moduleOf({ exports: Array.from({ length: 20_000 }, (_, i) => concat(name(`e${i}`), [2, 0])) }),
  ),
  module('grows by what it may not, and falls', memory, () =>
    moduleOf({ code: [0x41, ...signed(60_000n), 0x40, 0, 0x1a, 0x00] }),
  ),
];

const busy = { limits: { cpuTimeMs: CPU_MS } };
const behaviours: HostileProgram[] = [
  module(
    'never comes out of its start function',
    cpu,
    () => moduleOf({ code: LOOP, startsAtOnce: true }),
    busy,
  ),
  module('calls the host before it has a memory', harmless, () =>
    moduleOf({
      startsAtOnce: true,
      imports: [{ name: 'random_get', type: { parameters: [I32, I32], results: [I32] } }],
      code: [0x41, 0, 0x41, 16, 0x10, 0, 0x1a],
    }),
  ),
  module('calls itself from its start function', signal('SIGABRT'), () =>
    moduleOf({ code: [0x10, 0x00], startsAtOnce: true }),
  ),
  module('calls every function of preview1 with the worst arguments', harmless, () => fuzzModule(), {
    says: FUZZ_SAYS,
  }),
  module(
    'calls every function of preview0 with the worst arguments',
    harmless,
    () => fuzzModule('wasi_unstable'),
    {
      says: FUZZ_SAYS,
    },
  ),
];

export const modules: readonly HostileProgram[] = [...wrongShapes, ...wrongWishes, ...sizes, ...behaviours];
