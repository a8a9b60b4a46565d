import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../interface/values.ts';
import { newId } from '../../util/id.ts';
import { ExeUnitError } from '../errors.ts';
import { blobFileName } from '../paths.ts';
import { CommandFailure } from './command-failure.ts';

interface Waiter {
  resolve(path: string): void;
  reject(error: Error): void;
}

/** Blobs that commands wait for and the daemon brings. Kept by their hash, so each is brought once. */
export class Needs {
  readonly #directory: string;
  readonly #waiters = new Map<string, Set<Waiter>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The blob's path, once it is there; `announce` says that it is not there yet. */
  async require(hash: string, signal: AbortSignal, announce: () => void): Promise<string> {
    const path = this.#pathOf(hash);
    if (await exists(path)) return path;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const waiter = { resolve, reject };
    const waiters = this.#waiters.get(hash) ?? new Set();
    this.#waiters.set(hash, waiters.add(waiter));
    const onAbort = (): void => reject(new Error('the activity is ending'));
    signal.addEventListener('abort', onAbort);
    try {
      if (signal.aborted) onAbort();
      else announce();
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0) this.#waiters.delete(hash);
    }
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_HASH_MISMATCH; the need then stays open */
  async provide(hash: string, result: { path: string } | { error: Reason }): Promise<void> {
    const waiters = [...(this.#waiters.get(hash) ?? [])];
    // Nobody waits (any more): a repeated answer.
    if (waiters.length === 0) return;
    if ('error' in result) {
      for (const waiter of waiters) waiter.reject(new CommandFailure(result.error));
      return;
    }
    await this.#take(hash, result.path);
    for (const waiter of waiters) waiter.resolve(this.#pathOf(hash));
  }

  #pathOf(hash: string): string {
    return join(this.#directory, blobFileName(hash));
  }

  /** Into this activity's own directory, since the daemon may drop its blob at any time. */
  async #take(hash: string, source: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const temporary = join(this.#directory, `.${newId()}`);
    try {
      await link(source, temporary).catch(() => copyFile(source, temporary));
      const found = await hashOf(temporary);
      if (found !== hash) {
        throw new ExeUnitError('ERR_EXE_UNIT_HASH_MISMATCH', `${source} has the hash ${found}, not ${hash}`, {
          hash,
          found,
        });
      }
      await rename(temporary, this.#pathOf(hash));
    } finally {
      // Also when it was renamed: two links to one file make rename(2) do nothing.
      await rm(temporary, { force: true });
    }
  }
}

async function hashOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream()) if (chunk instanceof Uint8Array) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
