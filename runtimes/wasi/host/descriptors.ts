import fs from 'node:fs';
import { ERRNO, fail } from './errno.ts';
import type { OpenInode } from './quota.ts';
import { ACCESS_MODE, DIRECTORY_RIGHTS, FILE_RIGHTS } from './rights.ts';

interface Common {
  /** The host's descriptor of the same file. */
  readonly hostFd: number;
  /** What may be done with the descriptor itself; only ever loses bits. */
  rights: bigint;
  /** What descriptors opened through it may have. */
  inheriting: bigint;
  flags: number;
}
/** One of the guest's standard streams: descriptors 0, 1 and 2. */
export interface StreamDescriptor extends Common {
  readonly kind: 'stream';
  readonly stream: 'stdin' | 'stdout' | 'stderr';
}
/** A regular file that the guest has opened; `offset` is where its next read or write begins, in bytes. */
export interface FileDescriptor extends Common {
  readonly kind: 'file';
  readonly readOnly: boolean;
  readonly inode: OpenInode;
  offset: number;
}
/** A directory: preopened, or opened below one that is. */
export interface DirectoryDescriptor extends Common {
  readonly kind: 'directory';
  readonly readOnly: boolean;
  /** The name under which the guest finds it, of a preopened directory. */
  readonly preopenName?: string;
  /** Snapshot of the names, taken when a listing starts. */
  listing?: readonly DirectoryItem[];
}
/** One entry of a listing; `filetype` is one of FILETYPE. */
export interface DirectoryItem {
  readonly name: string;
  readonly filetype: number;
}
export type Descriptor = StreamDescriptor | FileDescriptor | DirectoryDescriptor;

/** More than any real program wants; few enough that the host never runs out of its own. */
const MAX_DESCRIPTORS = 1024;

/** What the guest's descriptor numbers stand for. */
export class DescriptorTable {
  readonly #entries = new Map<number, Descriptor>();
  readonly #onClose: (descriptor: Descriptor) => void;

  constructor(onClose: (descriptor: Descriptor) => void) {
    this.#onClose = onClose;
  }

  set(fd: number, descriptor: Descriptor): void {
    this.#entries.set(fd, descriptor);
  }

  find(fd: number): Descriptor | undefined {
    return this.#entries.get(fd);
  }

  /** Fails unless the descriptor exists and has all of `rights`. */
  get(fd: number, rights = 0n): Descriptor {
    const entry = this.#entries.get(fd) ?? fail(ERRNO.BADF);
    if ((entry.rights & rights) !== rights) {
      const fileOnly = (rights & FILE_RIGHTS & ~DIRECTORY_RIGHTS) !== 0n;
      fail(entry.kind === 'directory' && fileOnly ? ERRNO.BADF : ERRNO.NOTCAPABLE);
    }
    return entry;
  }

  directory(fd: number, rights: bigint): DirectoryDescriptor {
    const entry = this.get(fd);
    if (entry.kind !== 'directory') fail(ERRNO.NOTDIR);
    if ((entry.rights & rights) !== rights) fail(ERRNO.NOTCAPABLE);
    return entry;
  }

  /** A directory whose contents the guest may change. */
  writableDirectory(fd: number, rights: bigint): DirectoryDescriptor {
    const entry = this.directory(fd, rights);
    if (entry.readOnly) fail(ERRNO.ROFS);
    return entry;
  }

  /** Fails with `notFile` for a directory and with SPIPE for a stream. */
  file(
    fd: number,
    rights: bigint,
    notFile: typeof ERRNO.BADF | typeof ERRNO.ISDIR = ERRNO.BADF,
  ): FileDescriptor {
    const entry = this.get(fd);
    if (entry.kind === 'directory') fail(notFile);
    if (entry.kind === 'stream') fail(ERRNO.SPIPE);
    const lacking = rights & ~entry.rights;
    // As POSIX has it for a file that is open for the other of the two.
    if ((lacking & ACCESS_MODE) !== 0n) fail(ERRNO.BADF);
    if (lacking !== 0n) fail(ERRNO.NOTCAPABLE);
    return entry;
  }

  /** Fails with MFILE when the table is full. To be called before anything is opened for a new descriptor. */
  expectRoom(): void {
    if (this.#entries.size >= MAX_DESCRIPTORS) fail(ERRNO.MFILE);
  }

  add(descriptor: Descriptor): number {
    let fd = 3;
    while (this.#entries.has(fd)) fd++;
    this.#entries.set(fd, descriptor);
    return fd;
  }

  close(fd: number): void {
    const entry = this.get(fd);
    this.#entries.delete(fd);
    this.#release(entry);
  }

  /** Moves `from` over `to`, which must be open; it is closed. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    this.#entries.delete(from);
    this.#entries.set(to, moved);
    this.#release(replaced);
  }

  #release(entry: Descriptor): void {
    // The process's own stdio stays open: its numbers must not come back as something else.
    if (entry.kind === 'stream') return;
    fs.closeSync(entry.hostFd);
    this.#onClose(entry);
  }
}
