import { link, open, readdir, readFile, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../../util/error-code.ts';
import { newId } from '../../util/id.ts';
import { StoreError } from '../errors.ts';
import { isFile } from './open.ts';
import { syncDirectory } from '../../util/files.ts';

const ENDING = '.books';

/** Where it is noted for one of the keys that a keystore has held; `identity` is its address. */
export function begunPathOf(keystorePath: string, identity: string): string {
  return `${keystorePath}.${identity}${ENDING}`;
}

/** All such notes beside a keystore, of whatever key. */
export async function begunPaths(keystorePath: string): Promise<string[]> {
  const folder = dirname(keystorePath);
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  const isNote = (name: string): boolean =>
    name.startsWith(`${basename(keystorePath)}.`) && name.endsWith(ENDING);
  return names.filter(isNote).map((name) => join(folder, name));
}

/**
 * A file beside the keystore that says that books were begun for it. Folder and sentinel of the books lie together and
 * can be lost together; whoever holds the key then owes and is owed what only they said.
 */
export async function refuseNewBooks(path: string, directory: string): Promise<void> {
  if (!(await isFile(path))) return;
  const known = (await readFile(path, 'utf8')).slice(0, 256).trim();
  throw new StoreError(
    'ERR_STORE_MISSING',
    `This node has had books (${known}), and there are none at ${directory}: folder and sentinel file are gone. ` +
      'Bring both back, or run `ergon store restore <backup>`. ' +
      `Only to begin anew, and forget every agreement, debt and claim of this key, remove ${path}.`,
    { directory, path },
  );
}

/** Idempotent; durable when it resolves. */
export async function noteBegun(path: string, storeId: string): Promise<void> {
  if (await isFile(path)) return;
  const temporary = `${path}.${newId()}.new`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`store ${storeId}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  // A link, unlike a rename, replaces nothing; one that another process made says the same.
  await link(temporary, path).catch(async (error: unknown) => {
    if (!(await isFile(path))) throw error;
  });
  await unlink(temporary);
  await syncDirectory(dirname(path));
}
