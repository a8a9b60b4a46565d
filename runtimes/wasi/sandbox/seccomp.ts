/**
 * The system-call filter of the bubblewrap sandbox, as classic BPF. Everything that node does not need and that
 * widens the kernel's face is refused with EPERM; all else is allowed, since node's own needs change with its versions.
 */

/** Numbers by architecture: [x64, arm64]. */
const REFUSED: Readonly<Record<string, readonly [number, number]>> = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  chroot: [161, 51],
  delete_module: [176, 106],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  reboot: [169, 142],
  request_key: [249, 218],
  setns: [308, 268],
  socket: [41, 198],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
};

interface Architecture {
  readonly audit: number;
  readonly column: 0 | 1;
  readonly clone: number;
}
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, column: 0, clone: 56 },
  arm64: { audit: 0xc00000b7, column: 1, clone: 220 },
};
const CLONE3 = 435;
/** System calls of the x32 ABI, which would go round the numbers above. */
const X32_BIT = 0x40000000;
const CLONE_NEWUSER = 0x10000000;

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const refuse = (errno: number): number => 0x00050000 | errno;

/** Offsets in struct seccomp_data. */
const DATA = { NUMBER: 0, ARCHITECTURE: 4, FIRST_ARGUMENT: 16 } as const;
const BPF = { LOAD: 0x20, JUMP_EQUAL: 0x15, JUMP_GREATER_EQUAL: 0x35, JUMP_SET: 0x45, RETURN: 0x06 } as const;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

/** The filter's bytes for `bwrap --seccomp`; undefined for an architecture whose numbers we do not have. */
export function seccompFilter(architecture: string): Buffer | undefined {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) return undefined;
  const returnIf = (code: number, value: number, result: number): Instruction[] => [
    [code, 0, 1, value],
    [BPF.RETURN, 0, 0, result],
  ];
  const program: Instruction[] = [
    [BPF.LOAD, 0, 0, DATA.ARCHITECTURE],
    [BPF.JUMP_EQUAL, 1, 0, known.audit],
    [BPF.RETURN, 0, 0, KILL_PROCESS],
    [BPF.LOAD, 0, 0, DATA.NUMBER],
    ...returnIf(BPF.JUMP_GREATER_EQUAL, X32_BIT, refuse(EPERM)),
    // glibc then falls back to clone, whose flags can be looked at.
    ...returnIf(BPF.JUMP_EQUAL, CLONE3, refuse(ENOSYS)),
    ...Object.values(REFUSED).flatMap((numbers) =>
      returnIf(BPF.JUMP_EQUAL, numbers[known.column], refuse(EPERM)),
    ),
    [BPF.JUMP_EQUAL, 0, 3, known.clone],
    [BPF.LOAD, 0, 0, DATA.FIRST_ARGUMENT],
    ...returnIf(BPF.JUMP_SET, CLONE_NEWUSER, refuse(EPERM)),
    [BPF.RETURN, 0, 0, ALLOW],
  ];
  return assemble(program);
}

function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, value], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(whenTrue, i * 8 + 2);
    bytes.writeUInt8(whenFalse, i * 8 + 3);
    bytes.writeUInt32LE(value, i * 8 + 4);
  });
  return bytes;
}
