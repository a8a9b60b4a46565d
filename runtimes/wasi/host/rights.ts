/** Bits of preview1's rights, which a descriptor is opened with and may only lose. */
export const RIGHT = {
  FD_DATASYNC: 1n << 0n,
  FD_READ: 1n << 1n,
  FD_SEEK: 1n << 2n,
  FD_FDSTAT_SET_FLAGS: 1n << 3n,
  FD_SYNC: 1n << 4n,
  FD_TELL: 1n << 5n,
  FD_WRITE: 1n << 6n,
  FD_ADVISE: 1n << 7n,
  FD_ALLOCATE: 1n << 8n,
  PATH_CREATE_DIRECTORY: 1n << 9n,
  PATH_CREATE_FILE: 1n << 10n,
  PATH_LINK_SOURCE: 1n << 11n,
  PATH_LINK_TARGET: 1n << 12n,
  PATH_OPEN: 1n << 13n,
  FD_READDIR: 1n << 14n,
  PATH_READLINK: 1n << 15n,
  PATH_RENAME_SOURCE: 1n << 16n,
  PATH_RENAME_TARGET: 1n << 17n,
  PATH_FILESTAT_GET: 1n << 18n,
  PATH_FILESTAT_SET_SIZE: 1n << 19n,
  PATH_FILESTAT_SET_TIMES: 1n << 20n,
  FD_FILESTAT_GET: 1n << 21n,
  FD_FILESTAT_SET_SIZE: 1n << 22n,
  FD_FILESTAT_SET_TIMES: 1n << 23n,
  PATH_SYMLINK: 1n << 24n,
  PATH_REMOVE_DIRECTORY: 1n << 25n,
  PATH_UNLINK_FILE: 1n << 26n,
  POLL_FD_READWRITE: 1n << 27n,
} as const;

const union = (...bits: bigint[]): bigint => bits.reduce((all, bit) => all | bit, 0n);

/** What changes a file's contents, through its descriptor. */
export const WRITING_RIGHTS = union(RIGHT.FD_WRITE, RIGHT.FD_FILESTAT_SET_SIZE, RIGHT.FD_ALLOCATE);

export const FILE_RIGHTS = union(
  WRITING_RIGHTS,
  RIGHT.FD_DATASYNC,
  RIGHT.FD_READ,
  RIGHT.FD_SEEK,
  RIGHT.FD_FDSTAT_SET_FLAGS,
  RIGHT.FD_SYNC,
  RIGHT.FD_TELL,
  RIGHT.FD_ADVISE,
  RIGHT.FD_FILESTAT_GET,
  RIGHT.FD_FILESTAT_SET_TIMES,
  RIGHT.POLL_FD_READWRITE,
);

export const DIRECTORY_RIGHTS = union(
  RIGHT.FD_FDSTAT_SET_FLAGS,
  RIGHT.FD_SYNC,
  RIGHT.FD_ADVISE,
  RIGHT.PATH_CREATE_DIRECTORY,
  RIGHT.PATH_CREATE_FILE,
  RIGHT.PATH_LINK_SOURCE,
  RIGHT.PATH_LINK_TARGET,
  RIGHT.PATH_OPEN,
  RIGHT.FD_READDIR,
  RIGHT.PATH_READLINK,
  RIGHT.PATH_RENAME_SOURCE,
  RIGHT.PATH_RENAME_TARGET,
  RIGHT.PATH_FILESTAT_GET,
  RIGHT.PATH_FILESTAT_SET_SIZE,
  RIGHT.PATH_FILESTAT_SET_TIMES,
  RIGHT.FD_FILESTAT_GET,
  RIGHT.FD_FILESTAT_SET_TIMES,
  RIGHT.PATH_SYMLINK,
  RIGHT.PATH_REMOVE_DIRECTORY,
  RIGHT.PATH_UNLINK_FILE,
  RIGHT.POLL_FD_READWRITE,
);

const STREAM_RIGHTS = union(RIGHT.FD_FILESTAT_GET, RIGHT.POLL_FD_READWRITE, RIGHT.FD_FDSTAT_SET_FLAGS);
export const STDIN_RIGHTS = RIGHT.FD_READ | STREAM_RIGHTS;
export const STDOUT_RIGHTS = RIGHT.FD_WRITE | STREAM_RIGHTS;

/** What goes along with any access to a file, and with write access. */
const ACCOMPANYING = FILE_RIGHTS & ~WRITING_RIGHTS & ~RIGHT.FD_READ;
export const ACCESS_MODE = RIGHT.FD_READ | RIGHT.FD_WRITE;

/**
 * What a descriptor opened with `rights` may do. Programs of today say by them only whether they read or write, as
 * Wasmtime has it; older ones name every right that they need, and get no other.
 */
export function rightsOfFile(rights: bigint): bigint {
  if ((rights & ~ACCESS_MODE) !== 0n) return rights & FILE_RIGHTS;
  return rights | ACCOMPANYING | ((rights & RIGHT.FD_WRITE) === 0n ? 0n : WRITING_RIGHTS);
}

/** What a descriptor of a directory opened with `rights` may do. */
export function rightsOfDirectory(rights: bigint): bigint {
  if ((rights & ~ACCESS_MODE) === 0n) return DIRECTORY_RIGHTS;
  // Go takes this one for a right to write to the directory, does not ask for it, and truncates files in it.
  const implied = (rights & RIGHT.PATH_OPEN) === 0n ? 0n : RIGHT.PATH_FILESTAT_SET_SIZE;
  return (rights | implied) & DIRECTORY_RIGHTS;
}

/** The same for what is opened through it: none at all would make it useless. */
export function inheritingRights(rights: bigint): bigint {
  return rights === 0n ? DIRECTORY_RIGHTS | FILE_RIGHTS : rights;
}
