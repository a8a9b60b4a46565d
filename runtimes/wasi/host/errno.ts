/** Error numbers of preview1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno). */
export const ERRNO = {
  SUCCESS: 0,
  ACCES: 2,
  AGAIN: 6,
  BADF: 8,
  BUSY: 10,
  DQUOT: 19,
  EXIST: 20,
  FAULT: 21,
  FBIG: 22,
  ILSEQ: 25,
  INVAL: 28,
  IO: 29,
  ISDIR: 31,
  LOOP: 32,
  MFILE: 33,
  MLINK: 34,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOSPC: 51,
  NOSYS: 52,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSOCK: 57,
  NOTSUP: 58,
  PERM: 63,
  PIPE: 64,
  ROFS: 69,
  SPIPE: 70,
  XDEV: 75,
  NOTCAPABLE: 76,
} as const;
export type Errno = (typeof ERRNO)[keyof typeof ERRNO];

/** A call that fails cleanly: the guest gets `errno` back. Not an Error, since it needs no stack. */
export class WasiError {
  readonly errno: Errno;

  constructor(errno: Errno) {
    this.errno = errno;
  }
}

/** Ends a call: the guest gets `errno` back. */
export function fail(errno: Errno): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- a guest can cause millions of these; they carry no stack
  throw new WasiError(errno);
}

const FROM_NODE: Readonly<Record<string, Errno>> = {
  EACCES: ERRNO.ACCES,
  EAGAIN: ERRNO.AGAIN,
  EBADF: ERRNO.BADF,
  EBUSY: ERRNO.BUSY,
  EDQUOT: ERRNO.DQUOT,
  EEXIST: ERRNO.EXIST,
  EFBIG: ERRNO.FBIG,
  EINVAL: ERRNO.INVAL,
  EIO: ERRNO.IO,
  EISDIR: ERRNO.ISDIR,
  ELOOP: ERRNO.LOOP,
  EMFILE: ERRNO.MFILE,
  EMLINK: ERRNO.MLINK,
  ENAMETOOLONG: ERRNO.NAMETOOLONG,
  ENFILE: ERRNO.MFILE,
  ENOENT: ERRNO.NOENT,
  ENOSPC: ERRNO.NOSPC,
  ENOSYS: ERRNO.NOSYS,
  ENOTDIR: ERRNO.NOTDIR,
  ENOTEMPTY: ERRNO.NOTEMPTY,
  ENOTSUP: ERRNO.NOTSUP,
  EOPNOTSUPP: ERRNO.NOTSUP,
  EPERM: ERRNO.PERM,
  EPIPE: ERRNO.PIPE,
  EROFS: ERRNO.ROFS,
  ESPIPE: ERRNO.SPIPE,
  EXDEV: ERRNO.XDEV,
  /** Node's own permission model, on the last rung of the sandbox ladder. */
  ERR_ACCESS_DENIED: ERRNO.PERM,
};

/** The `code` of an error of node:fs, as preview1 says it. */
export function errnoOf(error: unknown): Errno | undefined {
  if (error instanceof WasiError) return error.errno;
  const code = codeOf(error);
  return code === undefined ? undefined : FROM_NODE[code];
}

/** The `code` of a Node.js error (`ENOENT`, …), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
