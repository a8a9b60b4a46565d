import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './error-code.ts';

/** The file's text; undefined when there is no such file. Every other failure is thrown. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Makes renames and new names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * A directory and those above it, where there is none yet. For paths that people name: Node's own `recursive` tries for
 * ever where a file system takes no directories and says that the path is not there, as /proc does.
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  const isMade = await tryMake(path, mode);
  if (isMade || dirname(path) === path) return;
  await makeDirectory(dirname(path), mode);
  if (!(await tryMake(path, mode))) await mkdir(path, { mode });
}

/** False when what it would lie in is not there. */
async function tryMake(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    if (await isDirectory(path)) return true;
    throw error;
  }
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
