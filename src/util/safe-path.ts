import { constants } from 'node:fs';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';
import { errorCode, hasCode } from './error-code.ts';

export type SafePathErrorCode =
  | 'ERR_PATH_INVALID'
  | 'ERR_PATH_NOT_FOUND'
  | 'ERR_PATH_SYMLINK'
  | 'ERR_PATH_NOT_A_DIRECTORY'
  | 'ERR_PATH_NOT_A_FILE';

/** A path inside a directory that a stranger's program writes to could not be opened safely. */
export class SafePathError extends ErgonError<SafePathErrorCode> {}

export const safePathErrors: ErrorCatalogue<SafePathErrorCode> = {
  ERR_PATH_INVALID: {
    meaning: 'The path is empty, has a `..` in it, or a component that no file can be named by.',
    remedy: 'Name the file by its plain path from the root of the volume.',
  },
  ERR_PATH_NOT_FOUND: {
    meaning: 'There is no such file.',
    remedy: 'Check the name, and that the program made the file.',
  },
  ERR_PATH_SYMLINK: {
    meaning: 'A component of the path is a symbolic link; links are never followed here.',
    remedy: 'Name the file that the link points to, or have the program write a plain file.',
  },
  ERR_PATH_NOT_A_DIRECTORY: {
    meaning: 'A component of the path is no directory.',
    remedy: 'Check the path; something else stands where it expects a directory.',
  },
  ERR_PATH_NOT_A_FILE: {
    meaning: 'The path names something other than a regular file: a directory, a pipe, a socket or a device.',
    remedy: 'Only regular files can be transferred.',
  },
};

/** Not in node:fs; the same on every architecture that Node runs on under Linux. */
export const O_PATH = 0o10000000;
const MAX_COMPONENTS = 256;
const NAME_MAX_BYTES = 255;

/** The components of an absolute or relative guest path; `..` is refused rather than resolved. */
export function splitPath(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const bad = names.find(
    (name) => name === '..' || name.includes('\0') || Buffer.byteLength(name) > NAME_MAX_BYTES,
  );
  if (bad !== undefined || names.length === 0 || names.length > MAX_COMPONENTS) {
    throw new SafePathError('ERR_PATH_INVALID', `${shown(path)} is not a path inside the volume`, { path });
  }
  return names;
}

/** Opens a regular file below `root` for reading, following no symbolic link. */
export async function openFileBeneath(root: string, path: string): Promise<FileHandle> {
  const names = splitPath(path);
  return withDirectory(root, names.slice(0, -1), path, false, async (directory) => {
    // O_PATH first: opening a device or a pipe for real already has effects.
    const found = await openAt(directory, last(names), O_PATH | constants.O_NOFOLLOW, path);
    try {
      await expectFile(found, path);
      return await open(at(found), constants.O_RDONLY);
    } finally {
      await found.close();
    }
  });
}

/**
 * Makes a new regular file below `root` for writing, with the directories that lead to it, following no symbolic
 * link. A regular file that is there already is replaced.
 */
export async function createFileBeneath(root: string, path: string, mode = 0o644): Promise<FileHandle> {
  const names = splitPath(path);
  const name = last(names);
  return withDirectory(root, names.slice(0, -1), path, true, async (directory) => {
    await removeExistingFile(directory, name, path);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return openAt(directory, name, flags, path, mode);
  });
}

/** Walks to the directory one component at a time, holding each by its descriptor: openat in plain Node. */
export async function withDirectory<T>(
  root: string,
  names: readonly string[],
  path: string,
  create: boolean,
  work: (directory: FileHandle) => Promise<T>,
): Promise<T> {
  let directory = await open(root, O_PATH | constants.O_DIRECTORY);
  try {
    for (const name of names) {
      if (create) await mkdir(`${at(directory)}/${name}`, { mode: 0o755 }).catch(ignoreExisting);
      const next = await openAt(directory, name, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW, path);
      await directory.close();
      directory = next;
    }
    return await work(directory);
  } finally {
    await directory.close();
  }
}

async function removeExistingFile(directory: FileHandle, name: string, path: string): Promise<void> {
  let existing: FileHandle;
  try {
    existing = await openAt(directory, name, O_PATH | constants.O_NOFOLLOW, path);
  } catch (error) {
    if (error instanceof SafePathError && error.code === 'ERR_PATH_NOT_FOUND') return;
    throw error;
  }
  try {
    await expectFile(existing, path);
  } finally {
    await existing.close();
  }
  await unlink(`${at(directory)}/${name}`);
}

async function expectFile(handle: FileHandle, path: string): Promise<void> {
  const stat = await handle.stat();
  if (stat.isSymbolicLink()) throw pathError('ERR_PATH_SYMLINK', path);
  if (!stat.isFile()) throw pathError('ERR_PATH_NOT_A_FILE', path);
}

/** Opens `name` in an open directory. @throws SafePathError for a link, and for what is not there */
export async function openAt(
  directory: FileHandle,
  name: string,
  flags: number,
  path: string,
  mode?: number,
): Promise<FileHandle> {
  try {
    return await open(`${at(directory)}/${name}`, flags, mode);
  } catch (error) {
    throw translate(error, path, await isLink(directory, name));
  }
}

/** With O_DIRECTORY the kernel says ENOTDIR of a link, so look again which it was. */
async function isLink(directory: FileHandle, name: string): Promise<boolean> {
  try {
    const handle = await open(`${at(directory)}/${name}`, O_PATH | constants.O_NOFOLLOW);
    try {
      return (await handle.stat()).isSymbolicLink();
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}

function translate(error: unknown, path: string, link: boolean): unknown {
  const code = errorCode(error);
  if (link || code === 'ELOOP') return pathError('ERR_PATH_SYMLINK', path, error);
  if (code === 'ENOENT') return pathError('ERR_PATH_NOT_FOUND', path, error);
  if (code === 'ENOTDIR') return pathError('ERR_PATH_NOT_A_DIRECTORY', path, error);
  return error;
}

function pathError(code: SafePathErrorCode, path: string, cause?: unknown): SafePathError {
  const what = {
    ERR_PATH_INVALID: 'is not a path inside the volume',
    ERR_PATH_NOT_FOUND: 'does not exist',
    ERR_PATH_SYMLINK: 'leads through a symbolic link, which is not followed',
    ERR_PATH_NOT_A_DIRECTORY: 'leads through something that is no directory',
    ERR_PATH_NOT_A_FILE: 'is not a regular file',
  }[code];
  return new SafePathError(code, `${shown(path)} ${what}`, { path }, { cause });
}

function ignoreExisting(error: unknown): void {
  if (!hasCode(error, 'EEXIST')) throw error;
}

/** The magic link of an open descriptor: names the very object, whatever its path is by now. */
export function at(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

function last(names: readonly string[]): string {
  return names[names.length - 1] ?? '';
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}
