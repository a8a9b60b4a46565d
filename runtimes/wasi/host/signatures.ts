/**
 * How each parameter reaches the host. WebAssembly has no unsigned types, so JavaScript sees every i32 and i64 as
 * signed; `coerce` turns them into what preview1 means: `u32` a number from 0, `u64` a bigint from 0, `s64` a bigint.
 */
export type ParameterKind = 'u32' | 'u64' | 's64';
export type ValueType = 'i32' | 'i64';

/** Parameters of all functions of preview1; all return an errno, but for proc_exit, which does not return. */
export const SIGNATURES = {
  args_get: ['u32', 'u32'],
  args_sizes_get: ['u32', 'u32'],
  environ_get: ['u32', 'u32'],
  environ_sizes_get: ['u32', 'u32'],
  clock_res_get: ['u32', 'u32'],
  clock_time_get: ['u32', 'u64', 'u32'],
  fd_advise: ['u32', 'u64', 'u64', 'u32'],
  fd_allocate: ['u32', 'u64', 'u64'],
  fd_close: ['u32'],
  fd_datasync: ['u32'],
  fd_fdstat_get: ['u32', 'u32'],
  fd_fdstat_set_flags: ['u32', 'u32'],
  fd_fdstat_set_rights: ['u32', 'u64', 'u64'],
  fd_filestat_get: ['u32', 'u32'],
  fd_filestat_set_size: ['u32', 'u64'],
  fd_filestat_set_times: ['u32', 'u64', 'u64', 'u32'],
  fd_pread: ['u32', 'u32', 'u32', 'u64', 'u32'],
  fd_prestat_get: ['u32', 'u32'],
  fd_prestat_dir_name: ['u32', 'u32', 'u32'],
  fd_pwrite: ['u32', 'u32', 'u32', 'u64', 'u32'],
  fd_read: ['u32', 'u32', 'u32', 'u32'],
  fd_readdir: ['u32', 'u32', 'u32', 'u64', 'u32'],
  fd_renumber: ['u32', 'u32'],
  fd_seek: ['u32', 's64', 'u32', 'u32'],
  fd_sync: ['u32'],
  fd_tell: ['u32', 'u32'],
  fd_write: ['u32', 'u32', 'u32', 'u32'],
  path_create_directory: ['u32', 'u32', 'u32'],
  path_filestat_get: ['u32', 'u32', 'u32', 'u32', 'u32'],
  path_filestat_set_times: ['u32', 'u32', 'u32', 'u32', 'u64', 'u64', 'u32'],
  path_link: ['u32', 'u32', 'u32', 'u32', 'u32', 'u32', 'u32'],
  path_open: ['u32', 'u32', 'u32', 'u32', 'u32', 'u64', 'u64', 'u32', 'u32'],
  path_readlink: ['u32', 'u32', 'u32', 'u32', 'u32', 'u32'],
  path_remove_directory: ['u32', 'u32', 'u32'],
  path_rename: ['u32', 'u32', 'u32', 'u32', 'u32', 'u32'],
  path_symlink: ['u32', 'u32', 'u32', 'u32', 'u32'],
  path_unlink_file: ['u32', 'u32', 'u32'],
  poll_oneoff: ['u32', 'u32', 'u32', 'u32'],
  proc_exit: ['u32'],
  proc_raise: ['u32'],
  random_get: ['u32', 'u32'],
  sched_yield: [],
  sock_accept: ['u32', 'u32', 'u32'],
  sock_recv: ['u32', 'u32', 'u32', 'u32', 'u32', 'u32'],
  sock_send: ['u32', 'u32', 'u32', 'u32', 'u32'],
  sock_shutdown: ['u32', 'u32'],
} as const satisfies Readonly<Record<string, readonly ParameterKind[]>>;

export type CallName = keyof typeof SIGNATURES;

type Argument<K> = K extends 'u32' ? number : bigint;
type Arguments<T extends readonly ParameterKind[]> = { -readonly [I in keyof T]: Argument<T[I]> };

/** The calls as the host implements them: typed arguments in range, a thrown WasiError for an errno. */
export type Calls = { readonly [N in CallName]: (...args: Arguments<(typeof SIGNATURES)[N]>) => void };

/** @wasmer/wasi answers these: nothing in them touches a file, a clock or a stream. */
export type EnvironmentCall =
  'args_get' | 'args_sizes_get' | 'environ_get' | 'environ_sizes_get' | 'sched_yield';
export type HostCall = Exclude<CallName, EnvironmentCall>;

export const CALL_NAMES: readonly string[] = Object.keys(SIGNATURES);

/** Whether preview1 has a call of this name. */
export function isCallName(name: string): name is CallName {
  return Object.hasOwn(SIGNATURES, name);
}

/** The WebAssembly type that a module must import a call with. */
export function valueTypes(name: CallName): { parameters: ValueType[]; results: ValueType[] } {
  return {
    parameters: SIGNATURES[name].map((kind) => (kind === 'u32' ? 'i32' : 'i64')),
    results: name === 'proc_exit' ? [] : ['i32'],
  };
}

/** Both names of the same calls: preview1, and preview0 with its other structure layouts. */
export const NAMESPACES = ['wasi_snapshot_preview1', 'wasi_unstable'] as const;
export type Namespace = (typeof NAMESPACES)[number];
