/** Values of preview1's enumerations and flags, and the Linux ones that node:fs does not name. */
export const FILETYPE = {
  UNKNOWN: 0,
  BLOCK: 1,
  CHARACTER: 2,
  DIRECTORY: 3,
  REGULAR: 4,
  SOCKET: 6,
  SYMLINK: 7,
} as const;
export const FDFLAG = { APPEND: 1, DSYNC: 2, NONBLOCK: 4, RSYNC: 8, SYNC: 16, ALL: 31 } as const;
export const OFLAG = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 } as const;
export const FSTFLAG = { ATIM: 1, ATIM_NOW: 2, MTIM: 4, MTIM_NOW: 8, ALL: 15 } as const;
export const LOOKUP_FOLLOW = 1;
export const CLOCK = { REALTIME: 0, MONOTONIC: 1, PROCESS_CPU: 2, THREAD_CPU: 3 } as const;

/** The same on every architecture that Node runs on under Linux. */
export const O_PATH = 0o10000000;

/** Beyond it a double is no longer exact, and no file system goes that far. */
export const MAX_FILE_OFFSET = Number.MAX_SAFE_INTEGER;
export const NAME_MAX_BYTES = 255;
export const PATH_MAX_BYTES = 4096;
/** As many as Linux follows. */
export const MAX_SYMLINKS = 40;

interface StatType {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
  isSocket(): boolean;
}

/** A file's type as preview1 numbers it. */
export function filetypeOf(stat: StatType): number {
  if (stat.isFile()) return FILETYPE.REGULAR;
  if (stat.isDirectory()) return FILETYPE.DIRECTORY;
  if (stat.isSymbolicLink()) return FILETYPE.SYMLINK;
  if (stat.isCharacterDevice()) return FILETYPE.CHARACTER;
  if (stat.isBlockDevice()) return FILETYPE.BLOCK;
  return stat.isSocket() ? FILETYPE.SOCKET : FILETYPE.UNKNOWN;
}
