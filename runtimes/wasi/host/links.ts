import fs from 'node:fs';
import { PATH_MAX_BYTES } from './constants.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import { hostPath, withPlace, type Place } from './paths.ts';
import { RIGHT } from './rights.ts';
import type { Calls } from './signatures.ts';

type LinkCalls = Pick<Calls, 'path_link' | 'path_symlink' | 'path_readlink'>;
type NameCalls = Pick<Calls, 'path_rename' | 'path_unlink_file'>;

/** Making hard and symbolic links, and reading symbolic ones. */
export function linkCalls({ memory, descriptors, quota }: Host): LinkCalls {
  return {
    path_link: (fromFd, lookup, fromPointer, fromLength, toFd, toPointer, toLength) => {
      if (lookup !== 0) fail(ERRNO.INVAL);
      // A link in a writable place would make the file of a read-only one writable.
      const from = descriptors.writableDirectory(fromFd, RIGHT.PATH_LINK_SOURCE);
      const to = descriptors.writableDirectory(toFd, RIGHT.PATH_LINK_TARGET);
      const fromPath = memory.readString(fromPointer, fromLength);
      const toPath = memory.readString(toPointer, toLength);
      withPlace(from.hostFd, fromPath, false, (source) =>
        withPlace(to.hostFd, toPath, false, (target) => {
          if (source.name === '.' || fs.lstatSync(hostPath(source)).isDirectory()) fail(ERRNO.PERM);
          if (source.wantsDirectory) fail(ERRNO.NOTDIR);
          expectNewName(target);
          quota.withEntry(() => fs.linkSync(hostPath(source), hostPath(target)));
        }),
      );
    },
    path_symlink: (targetPointer, targetLength, fd, pathPointer, pathLength) => {
      const base = descriptors.writableDirectory(fd, RIGHT.PATH_SYMLINK);
      const target = memory.readString(targetPointer, targetLength);
      const path = memory.readString(pathPointer, pathLength);
      if (target.startsWith('/')) fail(ERRNO.NOTCAPABLE);
      if (target === '') fail(ERRNO.NOENT);
      if (Buffer.byteLength(target) >= PATH_MAX_BYTES) fail(ERRNO.NAMETOOLONG);
      withPlace(base.hostFd, path, false, (place) => {
        expectNewName(place);
        quota.withEntry(() => fs.symlinkSync(target, hostPath(place)));
      });
    },
    path_readlink: (fd, pathPointer, pathLength, pointer, length, resultPointer) => {
      const base = descriptors.directory(fd, RIGHT.PATH_READLINK);
      const path = memory.readString(pathPointer, pathLength);
      memory.check(pointer, length);
      memory.check(resultPointer, 4);
      withPlace(base.hostFd, path, false, (place) => {
        const target = fs.readlinkSync(hostPath(place), { encoding: 'buffer' });
        if (place.wantsDirectory) fail(ERRNO.NOTDIR);
        const part = target.subarray(0, length);
        memory.write(pointer, part);
        memory.writeU32(resultPointer, part.length);
      });
    },
  };
}

/** Renaming, and removing files. */
export function nameCalls({ memory, descriptors, quota }: Host): NameCalls {
  return {
    path_rename: (fromFd, fromPointer, fromLength, toFd, toPointer, toLength) => {
      const from = descriptors.writableDirectory(fromFd, RIGHT.PATH_RENAME_SOURCE);
      const to = descriptors.writableDirectory(toFd, RIGHT.PATH_RENAME_TARGET);
      const fromPath = memory.readString(fromPointer, fromLength);
      const toPath = memory.readString(toPointer, toLength);
      withPlace(from.hostFd, fromPath, false, (source) =>
        withPlace(to.hostFd, toPath, false, (target) => rename(quota, source, target)),
      );
    },
    path_unlink_file: (fd, pathPointer, pathLength) => {
      const base = descriptors.writableDirectory(fd, RIGHT.PATH_UNLINK_FILE);
      withPlace(base.hostFd, memory.readString(pathPointer, pathLength), false, (place) => {
        if (place.name === '.') fail(ERRNO.ISDIR);
        const stat = fs.lstatSync(hostPath(place), { bigint: true });
        if (stat.isDirectory()) fail(ERRNO.ISDIR);
        if (place.wantsDirectory) fail(ERRNO.NOTDIR);
        fs.unlinkSync(hostPath(place));
        quota.nameRemoved(stat);
      });
    },
  };
}

function rename(quota: Host['quota'], source: Place, target: Place): void {
  if (source.name === '.' || target.name === '.') fail(ERRNO.BUSY);
  const moved = fs.lstatSync(hostPath(source), { bigint: true });
  if ((source.wantsDirectory || target.wantsDirectory) && !moved.isDirectory()) fail(ERRNO.NOTDIR);
  const replaced = fs.lstatSync(hostPath(target), { bigint: true, throwIfNoEntry: false });
  if (replaced !== undefined && moved.isDirectory() !== replaced.isDirectory()) {
    fail(moved.isDirectory() ? ERRNO.NOTDIR : ERRNO.ISDIR);
  }
  fs.renameSync(hostPath(source), hostPath(target));
  // Of two names of one file, POSIX keeps both.
  const same = replaced?.dev === moved.dev && replaced.ino === moved.ino;
  if (replaced !== undefined && !same) quota.nameRemoved(replaced);
}

/** Nothing may be there yet, and a trailing slash asks for a directory, which a link is not. */
function expectNewName(place: Place): void {
  if (place.name === '.') fail(ERRNO.EXIST);
  if (!place.wantsDirectory) return;
  const stat = fs.lstatSync(hostPath(place), { throwIfNoEntry: false });
  if (stat === undefined) fail(ERRNO.NOENT);
  fail(stat.isDirectory() ? ERRNO.EXIST : ERRNO.NOTDIR);
}
