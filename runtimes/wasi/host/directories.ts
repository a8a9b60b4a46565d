import fs from 'node:fs';
import { FILETYPE, filetypeOf } from './constants.ts';
import type { DirectoryDescriptor, DirectoryItem } from './descriptors.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import { descriptorPath, hostPath, withPlace } from './paths.ts';
import { RIGHT } from './rights.ts';
import type { Calls } from './signatures.ts';

type PreopenCalls = Pick<Calls, 'fd_prestat_get' | 'fd_prestat_dir_name'>;
type DirectoryCalls = Pick<Calls, 'fd_readdir' | 'path_create_directory' | 'path_remove_directory'>;

const DIRENT_BYTES = 24;
const encoder = new TextEncoder();

/** `fd_prestat_get` and `fd_prestat_dir_name`, by which a program finds the directories that it was given. */
export function preopenCalls({ memory, descriptors }: Host): PreopenCalls {
  const nameOf = (fd: number): Uint8Array => {
    const entry = descriptors.get(fd);
    if (entry.kind !== 'directory' || entry.preopenName === undefined) fail(ERRNO.BADF);
    return encoder.encode(entry.preopenName);
  };
  return {
    fd_prestat_get: (fd, pointer) => {
      const { length } = nameOf(fd);
      memory.fill(pointer, 8, 0);
      memory.writeU32(pointer + 4, length);
    },
    fd_prestat_dir_name: (fd, pointer, length) => {
      const name = nameOf(fd);
      if (length < name.length) fail(ERRNO.NAMETOOLONG);
      memory.write(pointer, name);
    },
  };
}

/** Listing, making and removing directories. */
export function directoryCalls(host: Host): DirectoryCalls {
  const { memory, descriptors, quota } = host;
  return {
    fd_readdir: (fd, pointer, length, cookie, resultPointer) => {
      const directory = descriptors.directory(fd, RIGHT.FD_READDIR);
      memory.check(pointer, length);
      memory.check(resultPointer, 4);
      if (cookie === 0n || directory.listing === undefined) directory.listing = list(directory);
      memory.writeU32(resultPointer, writeItems(host, directory, directory.listing, cookie, pointer, length));
    },
    path_create_directory: (fd, pathPointer, pathLength) => {
      const base = descriptors.writableDirectory(fd, RIGHT.PATH_CREATE_DIRECTORY);
      withPlace(base.hostFd, memory.readString(pathPointer, pathLength), false, (place) => {
        if (place.name === '.') fail(ERRNO.EXIST);
        quota.withEntry(() => fs.mkdirSync(hostPath(place)));
      });
    },
    path_remove_directory: (fd, pathPointer, pathLength) => {
      const base = descriptors.writableDirectory(fd, RIGHT.PATH_REMOVE_DIRECTORY);
      withPlace(base.hostFd, memory.readString(pathPointer, pathLength), false, (place) => {
        if (place.name === '.') fail(ERRNO.INVAL);
        if (!fs.lstatSync(hostPath(place)).isDirectory()) fail(ERRNO.NOTDIR);
        fs.rmdirSync(hostPath(place));
        quota.entryRemoved();
      });
    },
  };
}

/** In the order of their names: a file system's own differs from machine to machine, and with it what a program does. */
function list(directory: DirectoryDescriptor): DirectoryItem[] {
  const items = fs.readdirSync(descriptorPath(directory.hostFd), { withFileTypes: true });
  items.sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    { name: '.', filetype: FILETYPE.DIRECTORY },
    { name: '..', filetype: FILETYPE.DIRECTORY },
    ...items.map((item) => ({ name: item.name, filetype: filetypeOf(item) })),
  ];
}

/** As many entries as fit from `cookie` on, the last one cut where the buffer ends: so preview1 says "there is more". */
function writeItems(
  { memory }: Host,
  directory: DirectoryDescriptor,
  listing: readonly DirectoryItem[],
  cookie: bigint,
  pointer: number,
  length: number,
): number {
  if (cookie >= BigInt(listing.length)) return 0;
  let used = 0;
  for (const [i, item] of listing.entries()) {
    if (i < Number(cookie)) continue;
    if (used >= length) break;
    const record = direntOf(directory, item, i + 1).subarray(0, length - used);
    memory.write(pointer + used, record);
    used += record.length;
  }
  return used;
}

function direntOf(directory: DirectoryDescriptor, item: DirectoryItem, next: number): Uint8Array {
  const name = encoder.encode(item.name);
  const record = new Uint8Array(DIRENT_BYTES + name.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(next), true);
  view.setBigUint64(8, inodeOf(directory, item.name), true);
  view.setUint32(16, name.length, true);
  view.setUint8(20, item.filetype);
  record.set(name, DIRENT_BYTES);
  return record;
}

/** Of a name that has gone since the listing: 0. What is above a directory is none of the guest's business. */
function inodeOf(directory: DirectoryDescriptor, name: string): bigint {
  if (name === '.' || name === '..') return fs.fstatSync(directory.hostFd, { bigint: true }).ino;
  const path = `${descriptorPath(directory.hostFd)}/${name}`;
  return fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
