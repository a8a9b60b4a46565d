import fs from 'node:fs';
import { FDFLAG, OFLAG } from './constants.ts';
import type { DirectoryDescriptor } from './descriptors.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import { follows, hostPath, openDirectory, withPlace, type Place } from './paths.ts';
import {
  FILE_RIGHTS,
  inheritingRights,
  RIGHT,
  rightsOfDirectory,
  rightsOfFile,
  WRITING_RIGHTS,
} from './rights.ts';
import type { Calls } from './signatures.ts';

interface OpenRequest {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly directory: boolean;
  readonly rights: bigint;
  readonly inheriting: bigint;
  readonly flags: number;
}

const FILE_MODE = 0o666;

/** `path_open`. */
export function openCalls(host: Host): Pick<Calls, 'path_open'> {
  const { memory, descriptors } = host;
  return {
    path_open: (fd, lookup, pathPointer, pathLength, oflags, rights, inheriting, flags, resultPointer) => {
      const base = descriptors.directory(fd, RIGHT.PATH_OPEN);
      const path = memory.readString(pathPointer, pathLength);
      memory.check(resultPointer, 4);
      const request: OpenRequest = {
        create: (oflags & OFLAG.CREAT) !== 0,
        exclusive: (oflags & OFLAG.EXCL) !== 0,
        truncate: (oflags & OFLAG.TRUNC) !== 0,
        directory: (oflags & OFLAG.DIRECTORY) !== 0,
        rights,
        inheriting,
        flags,
      };
      checkRequest(base, request);
      descriptors.expectRoom();
      const follow = follows(lookup, path) && !(request.create && request.exclusive);
      memory.writeU32(
        resultPointer,
        withPlace(base.hostFd, path, follow, (place) => openPlace(host, base, request, place)),
      );
    },
  };
}

function checkRequest(base: DirectoryDescriptor, request: OpenRequest): void {
  if (request.create && (base.rights & RIGHT.PATH_CREATE_FILE) === 0n) fail(ERRNO.NOTCAPABLE);
  if (request.truncate && (base.rights & RIGHT.PATH_FILESTAT_SET_SIZE) === 0n) fail(ERRNO.NOTCAPABLE);
  if (request.create && request.directory) fail(ERRNO.INVAL);
  const changes = request.create || request.truncate || (request.rights & WRITING_RIGHTS) !== 0n;
  if (base.readOnly && changes) fail(ERRNO.ROFS);
}

function openPlace(host: Host, base: DirectoryDescriptor, request: OpenRequest, place: Place): number {
  const stat = fs.lstatSync(hostPath(place), { throwIfNoEntry: false });
  // hostPath of the directory itself is a magic link.
  if (place.name === '.' || stat?.isDirectory() === true)
    return openExistingDirectory(host, base, request, place);
  const wantsDirectory = request.directory || place.wantsDirectory;
  if (stat === undefined) {
    if (!request.create) fail(ERRNO.NOENT);
    if (wantsDirectory) fail(ERRNO.ISDIR);
    return host.quota.withEntry(() => openFile(host, base, request, place));
  }
  if (stat.isSymbolicLink()) {
    if (request.create && request.exclusive) fail(ERRNO.EXIST);
    fail(wantsDirectory ? ERRNO.NOTDIR : ERRNO.LOOP);
  }
  if (wantsDirectory) fail(ERRNO.NOTDIR);
  // Pipes, sockets and devices have no place in a volume; opening one could block or have effects.
  if (!stat.isFile()) fail(ERRNO.NOTSUP);
  return openFile(host, base, request, place);
}

function openExistingDirectory(
  { descriptors }: Host,
  base: DirectoryDescriptor,
  request: OpenRequest,
  place: Place,
): number {
  if (request.create) fail(request.exclusive ? ERRNO.EXIST : ERRNO.ISDIR);
  if (request.truncate || (request.rights & RIGHT.FD_WRITE) !== 0n) fail(ERRNO.ISDIR);
  const hostFd = openDirectory(hostPath(place), place.name === '.' ? 0 : fs.constants.O_NOFOLLOW);
  return descriptors.add({
    kind: 'directory',
    hostFd,
    readOnly: base.readOnly,
    rights: rightsOfDirectory(request.rights) & base.inheriting,
    inheriting: inheritingRights(request.inheriting) & base.inheriting,
    flags: 0,
  });
}

function openFile(host: Host, base: DirectoryDescriptor, request: OpenRequest, place: Place): number {
  const hostFd = fs.openSync(hostPath(place), hostFlags(request), FILE_MODE);
  const inode = host.quota.opened(fs.fstatSync(hostFd, { bigint: true }));
  if (request.truncate) {
    fs.ftruncateSync(hostFd, 0);
    host.quota.resize(inode, 0);
  }
  return host.descriptors.add({
    kind: 'file',
    hostFd,
    inode,
    readOnly: base.readOnly,
    rights: rightsOfFile(request.rights) & base.inheriting,
    inheriting: request.inheriting & base.inheriting & FILE_RIGHTS,
    flags: request.flags,
    offset: 0,
  });
}

/** Linux has no O_RSYNC but O_SYNC. */
function syncFlags(flags: number): number {
  if ((flags & (FDFLAG.SYNC | FDFLAG.RSYNC)) !== 0) return fs.constants.O_SYNC;
  return (flags & FDFLAG.DSYNC) === 0 ? 0 : fs.constants.O_DSYNC;
}

function hostFlags({ create, exclusive, truncate, rights, flags }: OpenRequest): number {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const writes = truncate || (rights & WRITING_RIGHTS) !== 0n;
  const reads = (rights & (RIGHT.FD_READ | RIGHT.FD_READDIR)) !== 0n || (rights & WRITING_RIGHTS) === 0n;
  const access = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  const creation = (create ? O_CREAT : 0) | (create && exclusive ? O_EXCL : 0);
  return access | O_NOFOLLOW | O_NONBLOCK | creation | syncFlags(flags);
}
