import fs from 'node:fs';
import { LOOKUP_FOLLOW, MAX_SYMLINKS, NAME_MAX_BYTES, O_PATH, PATH_MAX_BYTES } from './constants.ts';
import { ERRNO, fail } from './errno.ts';

/** Where a path leads: one name directly below an open directory. */
export interface Place {
  readonly directoryFd: number;
  /** `.` for the directory itself. */
  readonly name: string;
  /** The path ended in a slash, so only a directory will do. */
  readonly wantsDirectory: boolean;
}

/** The host's path of a place: through the magic link of the open directory, so nothing can be moved under it. */
export function hostPath(place: Place): string {
  return place.name === '.'
    ? descriptorPath(place.directoryFd)
    : `${descriptorPath(place.directoryFd)}/${place.name}`;
}

/** The magic link by which a path can begin at an open descriptor of this process. */
export function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Opens a directory only to look names up in it (O_PATH); returns the descriptor, which the caller closes. */
export function openDirectory(path: string, extraFlags = 0): number {
  return fs.openSync(path, O_PATH | fs.constants.O_DIRECTORY | extraFlags);
}

/** A directory below another one, to which no symbolic link leads. */
export function openBeneath(root: string, path: string): number {
  let fd = openDirectory(root);
  for (const name of components(path)) {
    const parent = fd;
    try {
      fd = openDirectory(`${descriptorPath(parent)}/${name}`, fs.constants.O_NOFOLLOW);
    } finally {
      fs.closeSync(parent);
    }
  }
  return fd;
}

/** The directories from the root of the walk down to where it stands. `..` is a pop, never the kernel's `..`. */
class Descent {
  readonly #root: number;
  readonly #below: number[] = [];

  constructor(root: number) {
    this.#root = root;
  }

  get here(): number {
    return this.#below.at(-1) ?? this.#root;
  }

  enter(name: string): void {
    this.#below.push(openDirectory(`${descriptorPath(this.here)}/${name}`, fs.constants.O_NOFOLLOW));
  }

  leave(): void {
    const fd = this.#below.pop();
    if (fd === undefined) fail(ERRNO.NOTCAPABLE);
    fs.closeSync(fd);
  }

  close(): void {
    for (const fd of this.#below) fs.closeSync(fd);
    this.#below.length = 0;
  }
}

/** Whether a symbolic link in the last place is followed: a slash behind it asks for what it leads to, as in POSIX. */
export function follows(lookup: number, path: string): boolean {
  return (lookup & LOOKUP_FOLLOW) !== 0 || path.endsWith('/');
}

/**
 * Resolves `path` below the directory `rootFd` one component at a time, the way openat with RESOLVE_BENEATH does:
 * no absolute path, no `..` and no symbolic link leads out of it. Calls `use` while the directories are held open.
 * @param follow whether a symbolic link in the last place is followed
 */
export function withPlace<T>(rootFd: number, path: string, follow: boolean, use: (place: Place) => T): T {
  if (path === '') fail(ERRNO.NOENT);
  if (path.startsWith('/')) fail(ERRNO.NOTCAPABLE);
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) fail(ERRNO.NAMETOOLONG);
  const descent = new Descent(rootFd);
  try {
    return use(resolve(descent, path, follow));
  } finally {
    descent.close();
  }
}

function resolve(descent: Descent, path: string, follow: boolean): Place {
  const todo = components(path);
  let wantsDirectory = path.endsWith('/') || path.endsWith('/.');
  let links = 0;
  for (;;) {
    const name = todo.shift() ?? '.';
    const isLast = todo.length === 0;
    if (name === '.' || name === '..') {
      if (name === '..') descent.leave();
      if (isLast) return { directoryFd: descent.here, name: '.', wantsDirectory: true };
      continue;
    }
    const target = isLast && !follow ? undefined : linkTarget(descent.here, name, isLast);
    if (target === undefined) {
      if (isLast) return { directoryFd: descent.here, name: checkedName(name), wantsDirectory };
      descent.enter(name);
      continue;
    }
    if (++links > MAX_SYMLINKS) fail(ERRNO.LOOP);
    if (target.startsWith('/')) fail(ERRNO.NOTCAPABLE);
    wantsDirectory ||= isLast && target.endsWith('/');
    todo.unshift(...components(target));
  }
}

/** What a symbolic link says; undefined for anything else, also for what is not there if that may be. */
function linkTarget(directoryFd: number, name: string, mayBeMissing: boolean): string | undefined {
  const path = `${descriptorPath(directoryFd)}/${checkedName(name)}`;
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined && !mayBeMissing) fail(ERRNO.NOENT);
  return stat?.isSymbolicLink() === true ? fs.readlinkSync(path) : undefined;
}

function components(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function checkedName(name: string): string {
  if (Buffer.byteLength(name) > NAME_MAX_BYTES) fail(ERRNO.NAMETOOLONG);
  return name;
}
