import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { BlobHead } from '../interface/network.ts';
import { Bytes, ChunkHashes } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { hasCode } from '../util/error-code.ts';
import { chunkHashes } from './chunks.ts';
import { bytesOf, hexOf, openPlain } from './files.ts';

/** Smaller files are hashed each time: that costs little more than reading a list. */
const REMEMBERED_BYTES = 8 * 1024 * 1024;

const Remembered = Type.Object(
  {
    path: Type.String({ maxLength: 4096 }),
    mtimeMs: Type.Number(),
    sizeBytes: Bytes,
    chunks: ChunkHashes,
  },
  { additionalProperties: false },
);
const checkRemembered = checker(Remembered, 'remembered list of chunk hashes');

/**
 * The chunk hashes of files that are served, computed once for each and kept in a file. A list counts as long as its
 * file has the size and the time that it was made of; one that a crash left damaged is made anew.
 */
export class ChunkLists {
  readonly #directory: string;
  readonly #underWay = new Map<string, Promise<BlobHead>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The list of the plain file at `path`, which is served as `hash`. Simultaneous callers share the work. */
  async of(hash: string, path: string): Promise<BlobHead> {
    const key = `${hash} ${path}`;
    const earlier = this.#underWay.get(key);
    if (earlier !== undefined) return earlier;
    const work = this.#find(hexOf(hash), path).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, work);
    return work;
  }

  /** Idempotent. */
  async remove(hash: string): Promise<void> {
    await rm(this.#pathOf(hexOf(hash)), { force: true });
  }

  /** Drops the lists of files that are gone, and what a crash left. */
  async prune(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = (await this.#read(name))?.path;
      if (path === undefined || !(await exists(path))) await rm(this.#pathOf(name), { force: true });
    }
  }

  async #find(hex: string, path: string): Promise<BlobHead> {
    const file = await openPlain(path);
    try {
      const { size, mtimeMs } = await file.stat();
      const kept = await this.#read(hex);
      if (kept?.path === path && kept.mtimeMs === mtimeMs && kept.sizeBytes === size)
        return { sizeBytes: size, chunks: kept.chunks };
      const head = await chunkHashes(bytesOf(file, 0));
      if (head.sizeBytes >= REMEMBERED_BYTES)
        await this.#write(hex, { path, mtimeMs, sizeBytes: size, chunks: [...head.chunks] });
      return head;
    } finally {
      await file.close();
    }
  }

  async #read(name: string): Promise<ReturnType<typeof checkRemembered> | undefined> {
    try {
      return checkRemembered(JSON.parse(await readFile(this.#pathOf(name), 'utf8')));
    } catch {
      return undefined;
    }
  }

  async #write(hex: string, list: ReturnType<typeof checkRemembered>): Promise<void> {
    const temporary = this.#pathOf(`${hex}.${randomUUID()}`);
    try {
      await writeFile(temporary, JSON.stringify(list), { mode: 0o600 });
      await rename(temporary, this.#pathOf(hex));
    } catch {
      // A full disk is no reason to serve nothing: the list is computed again.
      await rm(temporary, { force: true });
    }
  }

  #pathOf(name: string): string {
    return join(this.#directory, name);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
