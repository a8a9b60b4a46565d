import fs from 'node:fs';
import { FILETYPE, filetypeOf } from './constants.ts';
import { ERRNO, fail } from './errno.ts';
import type { Host } from './host.ts';
import { descriptorPath, follows, hostPath, withPlace, type Place } from './paths.ts';
import { RIGHT } from './rights.ts';
import type { Calls } from './signatures.ts';

type FilestatCalls = Pick<
  Calls,
  'fd_filestat_get' | 'fd_filestat_set_times' | 'path_filestat_get' | 'path_filestat_set_times'
>;

/** Offsets in the filestat structure; preview0 packs it tighter. */
export interface FilestatLayout {
  readonly size: number;
  readonly nlink: { readonly at: number; readonly bytes: 4 | 8 };
  readonly length: number;
  readonly atim: number;
  readonly mtim: number;
  readonly ctim: number;
}

/** The calls that read what is known of a file, and that set its times. */
export function filestatCalls(host: Host, layout: FilestatLayout): FilestatCalls {
  const { memory, descriptors, exactTimes, time } = host;
  return {
    fd_filestat_get: (fd, pointer) => {
      const entry = descriptors.get(fd, RIGHT.FD_FILESTAT_GET);
      memory.check(pointer, layout.size);
      const stat = fs.fstatSync(entry.hostFd, { bigint: true });
      const type = filetypeOf(stat);
      const isPipe = entry.kind === 'stream' && type !== FILETYPE.REGULAR && type !== FILETYPE.CHARACTER;
      writeFilestat(host, layout, pointer, stat, isPipe ? FILETYPE.UNKNOWN : type);
    },
    fd_filestat_set_times: (fd, atimeNs, mtimeNs, flags) => {
      const entry = descriptors.get(fd, RIGHT.FD_FILESTAT_SET_TIMES);
      if (entry.kind === 'stream') fail(ERRNO.NOTCAPABLE);
      if (entry.readOnly) fail(ERRNO.ROFS);
      exactTimes.set({
        stat: () => fs.fstatSync(entry.hostFd, { bigint: true }),
        // Not futimes: it takes no O_PATH descriptor (a directory's), and Node's permission model refuses it.
        apply: (atimeS, mtimeS) => fs.utimesSync(descriptorPath(entry.hostFd), atimeS, mtimeS),
        atimeNs,
        mtimeNs,
        flags,
        time,
      });
    },
    path_filestat_get: (fd, lookup, pathPointer, pathLength, pointer) => {
      const base = descriptors.directory(fd, RIGHT.PATH_FILESTAT_GET);
      const path = memory.readString(pathPointer, pathLength);
      memory.check(pointer, layout.size);
      withPlace(base.hostFd, path, follows(lookup, path), (place) => {
        const stat = statOf(place);
        if (place.wantsDirectory && !stat.isDirectory()) fail(ERRNO.NOTDIR);
        writeFilestat(host, layout, pointer, stat, filetypeOf(stat));
      });
    },
    path_filestat_set_times: (fd, lookup, pathPointer, pathLength, atimeNs, mtimeNs, flags) => {
      const base = descriptors.writableDirectory(fd, RIGHT.PATH_FILESTAT_SET_TIMES);
      const path = memory.readString(pathPointer, pathLength);
      withPlace(base.hostFd, path, follows(lookup, path), (place) => {
        if (place.wantsDirectory && !statOf(place).isDirectory()) fail(ERRNO.NOTDIR);
        const setTimes = place.name === '.' ? fs.utimesSync : fs.lutimesSync;
        exactTimes.set({
          stat: () => statOf(place),
          apply: (atimeS, mtimeS) => setTimes(hostPath(place), atimeS, mtimeS),
          atimeNs,
          mtimeNs,
          flags,
          time,
        });
      });
    },
  };
}

function statOf(place: Place): fs.BigIntStats {
  return place.name === '.'
    ? fs.fstatSync(place.directoryFd, { bigint: true })
    : fs.lstatSync(hostPath(place), { bigint: true });
}

function writeFilestat(
  { memory, exactTimes }: Host,
  layout: FilestatLayout,
  pointer: number,
  stat: fs.BigIntStats,
  filetype: number,
): void {
  const { atimeNs, mtimeNs } = exactTimes.of(stat);
  memory.fill(pointer, layout.size, 0);
  memory.writeU64(pointer, stat.dev);
  memory.writeU64(pointer + 8, stat.ino);
  memory.writeU8(pointer + 16, filetype);
  if (layout.nlink.bytes === 8) memory.writeU64(pointer + layout.nlink.at, stat.nlink);
  else memory.writeU32(pointer + layout.nlink.at, Number(stat.nlink));
  memory.writeU64(pointer + layout.length, stat.size);
  memory.writeU64(pointer + layout.atim, atimeNs);
  memory.writeU64(pointer + layout.mtim, mtimeNs);
  memory.writeU64(pointer + layout.ctim, stat.ctimeNs);
}
