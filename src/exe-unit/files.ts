import { execFile } from 'node:child_process';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncDirectory } from '../util/files.ts';

/** Writes a whole file so that a reader, also after a crash, sees the old one or the new one. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, text, { flush: true });
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Removes a tree that a stranger's program made: nested deeper than a path can be long, if it likes. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await promisify(execFile)('rm', ['-rf', '--', path]);
  }
}
