import fs from 'node:fs';
import { FDFLAG, MAX_FILE_OFFSET } from './constants.ts';
import type { FileDescriptor, StreamDescriptor } from './descriptors.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import { RIGHT } from './rights.ts';
import type { Calls } from './signatures.ts';
import { readStream, writeStream } from './streams.ts';

type DataCalls = Pick<Calls, 'fd_read' | 'fd_pread' | 'fd_write' | 'fd_pwrite'>;

/** An iovec array in the guest's memory. */
interface Vectors {
  readonly pointer: number;
  readonly count: number;
}

/** Reading and writing of files and streams, at the offset of the descriptor or at a given one. */
export function dataCalls(host: Host): DataCalls {
  const { memory, descriptors } = host;
  const checked = (pointer: number, count: number, resultPointer: number): Vectors => {
    memory.check(resultPointer, 4);
    memory.checkVectors(pointer, count);
    return { pointer, count };
  };
  return {
    fd_read: (fd, pointer, count, resultPointer) => {
      const entry = descriptors.get(fd);
      if (entry.kind === 'directory') fail(ERRNO.ISDIR);
      if ((entry.rights & RIGHT.FD_READ) === 0n) fail(ERRNO.BADF);
      const vectors = checked(pointer, count, resultPointer);
      const isStream = entry.kind === 'stream';
      const length = isStream
        ? readFromStream(host, entry, vectors)
        : readAt(host, entry, vectors, entry.offset);
      if (!isStream) entry.offset += length;
      memory.writeU32(resultPointer, length);
    },
    fd_pread: (fd, pointer, count, offset, resultPointer) => {
      const file = descriptors.file(fd, RIGHT.FD_READ, ERRNO.ISDIR);
      const vectors = checked(pointer, count, resultPointer);
      memory.writeU32(resultPointer, readAt(host, file, vectors, fileOffset(offset)));
    },
    fd_write: (fd, pointer, count, resultPointer) => {
      const entry = descriptors.get(fd);
      if (entry.kind === 'directory') fail(ERRNO.BADF);
      if ((entry.rights & RIGHT.FD_WRITE) === 0n) fail(ERRNO.BADF);
      const vectors = checked(pointer, count, resultPointer);
      const isStream = entry.kind === 'stream';
      memory.writeU32(
        resultPointer,
        isStream ? writeToStream(host, entry, vectors) : writeOn(host, entry, vectors),
      );
    },
    fd_pwrite: (fd, pointer, count, offset, resultPointer) => {
      const file = descriptors.file(fd, RIGHT.FD_WRITE);
      const vectors = checked(pointer, count, resultPointer);
      // As Linux does: a descriptor that appends, appends, whatever the offset.
      const at = (file.flags & FDFLAG.APPEND) !== 0 ? lengthOf(file) : fileOffset(offset);
      memory.writeU32(resultPointer, writeAt(host, file, vectors, at));
    },
  };
}

/** Only one buffer is filled: a second read could wait for bytes that come after an answer to the first. */
function readFromStream({ memory }: Host, stream: StreamDescriptor, { pointer, count }: Vectors): number {
  for (let i = 0; i < count; i++) {
    const buffer = memory.vector(pointer, i);
    if (buffer.length > 0) return readStream(stream.hostFd, memory.slice(buffer.pointer, buffer.length));
  }
  return 0;
}

function writeToStream({ memory }: Host, stream: StreamDescriptor, { pointer, count }: Vectors): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const buffer = memory.vector(pointer, i);
    if (total + buffer.length > 0xffffffff) break;
    total += writeStream(stream.hostFd, memory.slice(buffer.pointer, buffer.length));
  }
  return total;
}

function readAt({ memory }: Host, file: FileDescriptor, { pointer, count }: Vectors, offset: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const buffer = memory.vector(pointer, i);
    if (buffer.length === 0) continue;
    const bytes = memory.slice(buffer.pointer, buffer.length);
    const length = fs.readSync(file.hostFd, bytes, 0, bytes.length, offset + total);
    total += length;
    if (length < buffer.length) break;
  }
  return total;
}

/** Writes where the descriptor stands, and moves it on. */
function writeOn(host: Host, file: FileDescriptor, vectors: Vectors): number {
  if ((file.flags & FDFLAG.APPEND) !== 0) file.offset = lengthOf(file);
  const length = writeAt(host, file, vectors, file.offset);
  file.offset += length;
  return length;
}

function writeAt(host: Host, file: FileDescriptor, { pointer, count }: Vectors, offset: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const buffer = host.memory.vector(pointer, i);
    if (buffer.length === 0) continue;
    if (offset + total + buffer.length > MAX_FILE_OFFSET) fail(ERRNO.FBIG);
    let length: number;
    try {
      length = writeBuffer(host, file, host.memory.slice(buffer.pointer, buffer.length), offset + total);
    } catch (error) {
      // What was written stays written; the error comes again at the next call.
      if (total === 0) throw error;
      break;
    }
    total += length;
    if (length < buffer.length) break;
  }
  return total;
}

function writeBuffer({ quota }: Host, file: FileDescriptor, bytes: Uint8Array, offset: number): number {
  const before = file.inode.size;
  const granted = quota.grantWrite(file.inode, offset, bytes.length);
  let written = 0;
  try {
    written = fs.writeSync(file.hostFd, bytes, 0, granted, offset);
    return written;
  } finally {
    if (written < granted) quota.resize(file.inode, Math.max(before, written > 0 ? offset + written : 0));
  }
}

function lengthOf(file: FileDescriptor): number {
  return fs.fstatSync(file.hostFd).size;
}

/** An offset that Linux takes: an `off_t`, so from 2⁶³ it is a negative one. */
export function fileOffset(offset: bigint): number {
  if (offset > BigInt(MAX_FILE_OFFSET)) fail(ERRNO.INVAL);
  return Number(offset);
}
