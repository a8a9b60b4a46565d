import fs from 'node:fs';
import { FDFLAG, FILETYPE, filetypeOf, MAX_FILE_OFFSET } from './constants.ts';
import type { Descriptor } from './descriptors.ts';
import { ERRNO, fail } from './errno.ts';
import { fileOffset } from './file-data.ts';
import type { Host } from './host.ts';
import { RIGHT, WRITING_RIGHTS } from './rights.ts';
import type { Calls } from './signatures.ts';

type PositionCalls = Pick<Calls, 'fd_seek' | 'fd_tell'>;
type SizeCalls = Pick<Calls, 'fd_filestat_set_size' | 'fd_allocate' | 'fd_advise'>;
type DescriptorCalls = Pick<
  Calls,
  | 'fd_close'
  | 'fd_renumber'
  | 'fd_sync'
  | 'fd_datasync'
  | 'fd_fdstat_get'
  | 'fd_fdstat_set_flags'
  | 'fd_fdstat_set_rights'
>;

const MAX_ADVICE = 5;
const MAX_SIGNED_64 = (1n << 63n) - 1n;

/** Where `whence` counts from; preview0 numbers them otherwise. */
export type Whence = 'start' | 'current' | 'end';

/** `fd_seek` and `fd_tell`; `whences` says what each number of `whence` counts from. */
export function positionCalls(host: Host, whences: readonly Whence[]): PositionCalls {
  const { memory, descriptors } = host;
  return {
    fd_seek: (fd, delta, whence, resultPointer) => {
      const from = whences[whence];
      const onlyTells = from === 'current' && delta === 0n;
      const file = descriptors.file(fd, 0n);
      const sufficient = onlyTells ? RIGHT.FD_SEEK | RIGHT.FD_TELL : RIGHT.FD_SEEK;
      if ((file.rights & sufficient) === 0n) fail(ERRNO.NOTCAPABLE);
      if (from === undefined) fail(ERRNO.INVAL);
      memory.check(resultPointer, 8);
      const base = { start: () => 0, current: () => file.offset, end: () => fs.fstatSync(file.hostFd).size }[
        from
      ]();
      const offset = BigInt(base) + delta;
      if (offset < 0n || offset > BigInt(MAX_FILE_OFFSET)) fail(ERRNO.INVAL);
      file.offset = Number(offset);
      memory.writeU64(resultPointer, offset);
    },
    fd_tell: (fd, resultPointer) => {
      memory.writeU64(resultPointer, BigInt(descriptors.file(fd, RIGHT.FD_TELL).offset));
    },
  };
}

/** The calls that change how long a file is, and `fd_advise`, which is checked and has no effect. */
export function sizeCalls({ descriptors, quota }: Host): SizeCalls {
  return {
    fd_filestat_set_size: (fd, size) => {
      if ((descriptors.file(fd, 0n).rights & WRITING_RIGHTS) === 0n) fail(ERRNO.INVAL);
      setSize(quota, descriptors.file(fd, RIGHT.FD_FILESTAT_SET_SIZE), fileOffset(size));
    },
    fd_allocate: (fd, offset, length) => {
      const file = descriptors.file(fd, RIGHT.FD_ALLOCATE);
      if (length === 0n || offset > MAX_SIGNED_64 || length > MAX_SIGNED_64) fail(ERRNO.INVAL);
      const end = offset + length;
      if (end > BigInt(MAX_FILE_OFFSET)) fail(ERRNO.FBIG);
      if (fs.fstatSync(file.hostFd).size < Number(end)) setSize(quota, file, Number(end));
    },
    fd_advise: (fd, offset, length, advice) => {
      descriptors.file(fd, RIGHT.FD_ADVISE);
      if (advice > MAX_ADVICE || offset > MAX_SIGNED_64 || length > MAX_SIGNED_64) fail(ERRNO.INVAL);
    },
  };
}

function setSize(quota: Host['quota'], file: Extract<Descriptor, { kind: 'file' }>, size: number): void {
  const before = file.inode.size;
  quota.resize(file.inode, size);
  try {
    fs.ftruncateSync(file.hostFd, size);
  } catch (error) {
    quota.resize(file.inode, before);
    throw error;
  }
}

/** Closing, renumbering and flushing descriptors, and reading and changing their flags and rights. */
export function descriptorCalls({ memory, descriptors }: Host): DescriptorCalls {
  return {
    fd_close: (fd) => descriptors.close(fd),
    fd_renumber: (from, to) => descriptors.renumber(from, to),
    fd_sync: (fd) => {
      const entry = descriptors.get(fd, RIGHT.FD_SYNC);
      if (entry.kind === 'file') fs.fsyncSync(entry.hostFd);
    },
    fd_datasync: (fd) => {
      const entry = descriptors.get(fd);
      if (entry.kind === 'file') fs.fdatasyncSync(entry.hostFd);
    },
    fd_fdstat_get: (fd, pointer) => {
      const entry = descriptors.get(fd);
      memory.fill(pointer, 24, 0);
      memory.writeU8(pointer, descriptorType(entry));
      memory.writeU16(pointer + 2, entry.flags);
      memory.writeU64(pointer + 8, entry.rights);
      memory.writeU64(pointer + 16, entry.inheriting);
    },
    fd_fdstat_set_flags: (fd, flags) => {
      const entry = descriptors.get(fd, RIGHT.FD_FDSTAT_SET_FLAGS);
      if ((flags & ~FDFLAG.ALL) !== 0) fail(ERRNO.INVAL);
      if ((flags & (FDFLAG.DSYNC | FDFLAG.RSYNC | FDFLAG.SYNC)) !== 0) fail(ERRNO.NOTSUP);
      entry.flags = flags;
    },
    fd_fdstat_set_rights: (fd, rights, inheriting) => {
      const entry = descriptors.get(fd);
      if ((rights & ~entry.rights) !== 0n || (inheriting & ~entry.inheriting) !== 0n) fail(ERRNO.NOTCAPABLE);
      entry.rights = rights;
      entry.inheriting = inheriting;
    },
  };
}

/** A stream looks like a terminal or a file only where it is one; a pipe has no type in preview1. */
function descriptorType(entry: Descriptor): number {
  if (entry.kind === 'directory') return FILETYPE.DIRECTORY;
  if (entry.kind === 'file') return FILETYPE.REGULAR;
  const type = filetypeOf(fs.fstatSync(entry.hostFd));
  return type === FILETYPE.REGULAR || type === FILETYPE.CHARACTER ? type : FILETYPE.UNKNOWN;
}
