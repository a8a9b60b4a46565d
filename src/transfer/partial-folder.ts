import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { listPathOf } from './partial-blob.ts';

/** Drops the unfinished blobs that nothing was added to since `oldestMs`, and the lists of chunk hashes that are of none. */
export async function dropOldPartials(folder: string, oldestMs: number): Promise<void> {
  const names = await readdir(folder);
  const blobs = new Set(names.filter((name) => !name.includes('.')));
  for (const name of blobs) {
    const { mtimeMs, nlink } = await stat(join(folder, name));
    // A second name means that a crash came between naming the whole blob and dropping this: never append to that.
    if (mtimeMs >= oldestMs && nlink === 1) continue;
    await unlink(join(folder, name));
    blobs.delete(name);
  }
  const lists = new Set([...blobs].map(listPathOf));
  for (const name of names) {
    if (name.includes('.') && !lists.has(name)) await unlink(join(folder, name));
  }
}
