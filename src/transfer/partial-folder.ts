import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SerialQueue } from '../util/serial-queue.ts';
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

/** Strangers choose what is fetched, and may break it off each time: of single bytes, too, there is an end. */
const MAX_KEPT = 1000;

/** Unfinished blobs by name: those in use, and those that are kept for a later attempt as far as there is room. */
export class PartialFolder {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #inUse = new Set<string>();
  /** None is dropped that has just been taken up. */
  readonly #turns = new SerialQueue();

  constructor(init: { readonly directory: string; readonly maxBytes: number }) {
    this.#directory = init.directory;
    this.#maxBytes = init.maxBytes;
  }

  /** The file's path; it is dropped by nobody until it is left. */
  async take(name: string): Promise<string> {
    await this.#turns.run(async () => void this.#inUse.add(name));
    return join(this.#directory, name);
  }

  /** Of what is unfinished the newest is kept. */
  async leave(name: string, isUnfinished: boolean): Promise<void> {
    await this.#turns.run(async () => {
      this.#inUse.delete(name);
      if (isUnfinished) await this.#trim();
    });
  }

  async #trim(): Promise<void> {
    let keptBytes = 0;
    for (const [at, { name, sizeBytes }] of (await this.#left()).entries()) {
      keptBytes += sizeBytes;
      if (sizeBytes > 0 && keptBytes <= this.#maxBytes && at < MAX_KEPT) continue;
      const path = join(this.#directory, name);
      await rm(path, { force: true });
      await rm(listPathOf(path), { force: true });
    }
  }

  /** The newest first. */
  async #left(): Promise<{ name: string; sizeBytes: number }[]> {
    const names = (await readdir(this.#directory)).filter(
      (name) => !name.includes('.') && !this.#inUse.has(name),
    );
    const found = await Promise.all(
      names.map(async (name) => {
        const { mtimeMs, size } = await stat(join(this.#directory, name));
        return { name, mtimeMs, sizeBytes: size };
      }),
    );
    return found.sort((a, b) => b.mtimeMs - a.mtimeMs);
  }
}
