import {
  both,
  cpu,
  CPU_MS,
  disk,
  files,
  exit,
  harmless,
  memory,
  output,
  pids,
  signal,
  time,
  WALL_MS,
  type HostileProgram,
} from './program.ts';
import { PIDS_LIMIT } from './world.ts';

const short = { limits: { wallTimeMs: WALL_MS } };
const busy = { limits: { cpuTimeMs: CPU_MS } };
const roomy = { resources: { storageBytes: 64 << 20 } };
/** What a program of ours exits with when a disk is full. */
const full = 28;

const processes: HostileProgram[] = [
  { name: 'spins', args: ['spin'], outcomes: both(cpu), ...busy },
  { name: 'yields and never works', args: ['yield-storm'], outcomes: { wasi: cpu }, ...busy },
  { name: 'sleeps for ever', args: ['sleeper'], outcomes: both(time), ...short },
  { name: 'forks without end', args: ['fork-bomb'], outcomes: { docker: pids(PIDS_LIMIT) } },
  { name: 'starts threads without end', args: ['thread-bomb'], outcomes: { docker: pids(PIDS_LIMIT) } },
  { name: 'never buries its children', args: ['zombie-bomb'], outcomes: { docker: pids(PIDS_LIMIT) } },
  { name: 'leaves daemons behind', args: ['leave-daemons'], outcomes: { docker: harmless } },
  { name: 'leaves its streams to a daemon', args: ['hold-streams'], outcomes: { docker: harmless } },
  { name: 'ignores all signals', args: ['ignore-signals'], outcomes: { docker: time }, ...short },
  { name: 'stops itself and its children', args: ['stopped-children'], outcomes: { docker: time }, ...short },
  {
    name: 'kills everybody',
    args: ['kill-everyone'],
    outcomes: { docker: harmless },
    says: /still here/,
  },
  { name: 'becomes itself again and again', args: ['exec-chain'], outcomes: { docker: cpu }, ...busy },
  { name: 'wants to be important', args: ['be-important'], outcomes: { docker: harmless } },
];

const memories: HostileProgram[] = [
  { name: 'allocates without end', args: ['malloc-bomb'], outcomes: both(memory) },
  { name: 'allocates dust', args: ['malloc-dust'], outcomes: both(memory) },
  { name: 'grows its memory page by page', args: ['grow-bomb'], outcomes: { wasi: memory } },
  { name: 'asks for all memory at once, often', args: ['grow-greedy'], outcomes: { wasi: harmless } },
  { name: 'maps memory without end', args: ['mmap-bomb'], outcomes: { docker: memory } },
  {
    name: 'hides memory in files without a name',
    args: ['memfd-bomb'],
    outcomes: { docker: memory },
    ...roomy,
  },
  { name: 'fills shared memory', args: ['shm-fill'], outcomes: { docker: exit(full) }, ...roomy },
  { name: 'shares its greed with children', args: ['shared-greed'], outcomes: { docker: memory } },
  { name: 'asks to be spared by the kernel', args: ['unkillable-bomb'], outcomes: { docker: memory } },
  {
    name: 'calls itself without end',
    args: ['recursion'],
    outcomes: { wasi: signal('SIGABRT'), docker: signal('SIGSEGV') },
  },
  {
    name: 'wants a frame larger than its stack',
    args: ['big-frame'],
    outcomes: { wasi: signal('SIGABRT'), docker: signal('SIGSEGV') },
  },
];

const storage: HostileProgram[] = [
  { name: 'fills the disk', args: ['disk-fill'], outcomes: both(disk) },
  { name: 'fills /tmp', args: ['tmp-fill'], outcomes: { docker: disk } },
  {
    name: 'fills it with files without a name',
    args: ['ghost-fill'],
    outcomes: { wasi: disk, docker: exit(full) },
  },
  { name: 'makes files without end', args: ['file-bomb'], outcomes: both(files) },
  {
    name: 'makes directories without end',
    args: ['directory-bomb'],
    outcomes: both(files),
  },
  { name: 'makes links without end', args: ['symlink-bomb'], outcomes: both(files) },
  { name: 'names one file without end', args: ['link-bomb'], outcomes: { wasi: files, docker: exit(full) } },
  { name: 'stretches files beyond all measure', args: ['sparse'], outcomes: both(harmless) },
];

const streams: HostileProgram[] = [
  { name: 'floods stdout', args: ['flood-stdout'], outcomes: both(output) },
  { name: 'floods stderr', args: ['flood-stderr'], outcomes: both(output) },
  { name: 'floods both', args: ['flood-both'], outcomes: both(output) },
  {
    name: 'writes a hundred thousand single bytes',
    args: ['tiny-writes', '100000'],
    outcomes: both(harmless),
  },
  { name: 'closes its streams', args: ['close-streams'], outcomes: both(exit(3)) },
  {
    name: 'does not read its stdin',
    args: ['ignore-stdin'],
    outcomes: both(harmless),
    stdin: new Uint8Array(2 << 20).fill(0x78),
  },
  { name: 'uses its streams the wrong way round', args: ['wrong-way'], outcomes: both(harmless) },
];

const paths: HostileProgram[] = [
  { name: 'goes up by dots', args: ['dot-dots'], outcomes: both(harmless) },
  { name: 'follows links of its own', args: ['symlink-escapes'], outcomes: both(harmless) },
  { name: 'wants names for what is not its own', args: ['hard-links'], outcomes: both(harmless) },
  { name: 'moves directories under its feet', args: ['moved-directories'], outcomes: both(harmless) },
  { name: 'has paths too long to be true', args: ['path-bombs'], outcomes: both(harmless) },
  {
    name: 'nests deeper than any path',
    args: ['deep-nest'],
    outcomes: both(harmless),
    resources: { storageBytes: 32 << 20 },
  },
  { name: 'leaves odd names and closed doors behind', args: ['odd-names'], outcomes: both(harmless) },
];

const kernel: HostileProgram[] = [
  { name: 'looks into /proc, /sys and /dev', args: ['proc-probe'], outcomes: both(harmless) },
  { name: 'opens sockets to everywhere', args: ['sockets'], outcomes: both(harmless) },
  { name: 'makes devices', args: ['devices'], outcomes: { docker: harmless } },
  { name: 'mounts, and leaves its root', args: ['mounts'], outcomes: { docker: harmless } },
  { name: 'wants to be root', args: ['privileges'], outcomes: { docker: harmless } },
  { name: 'meddles with its init', args: ['meddle'], outcomes: { docker: time }, ...short },
  { name: 'abuses clocks', args: ['clock-abuse'], outcomes: both(harmless) },
  { name: 'waits for another century', args: ['long-waits'], outcomes: both(time), ...short },
  { name: 'opens files without end', args: ['descriptor-hog'], outcomes: both(harmless) },
  { name: 'guesses descriptors', args: ['descriptor-guess'], outcomes: both(harmless) },
];

const ends: HostileProgram[] = [
  { name: 'exits with 256', args: ['exit', '256'], outcomes: { wasi: exit(256), docker: exit(0) } },
  { name: 'exits with -1', args: ['exit', '-1'], outcomes: { wasi: exit(0xffff_ffff), docker: exit(255) } },
  {
    name: 'exits with 2³¹',
    args: ['exit', '2147483648'],
    outcomes: { wasi: exit(0x8000_0000), docker: exit(0) },
  },
  {
    name: 'traps',
    args: ['trap'],
    outcomes: { wasi: signal('SIGABRT'), docker: signal('SIGILL') },
  },
  {
    name: 'divides by zero',
    args: ['divide'],
    outcomes: { wasi: signal('SIGABRT'), docker: signal('SIGFPE') },
  },
  {
    name: 'writes where nothing is',
    args: ['wild-pointer'],
    outcomes: { wasi: signal('SIGABRT'), docker: signal('SIGSEGV') },
  },
  { name: 'aborts', args: ['abort'], outcomes: both(signal('SIGABRT')) },
];

export const programs: readonly HostileProgram[] = [
  ...processes,
  ...memories,
  ...storage,
  ...streams,
  ...paths,
  ...kernel,
  ...ends,
];
