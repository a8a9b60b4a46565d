import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NeedAnswer } from '../../interface/exe-unit.ts';
import type { Reason } from '../../interface/values.ts';
import { digestFile } from '../../util/digest-file.ts';
import { newId } from '../../util/id.ts';
import { ExeUnitError } from '../errors.ts';
import { blobFileName } from '../paths.ts';
import { CommandFailure } from './command-failure.ts';

interface Waiter {
  resolve(path: string): void;
  reject(error: Error): void;
}

type OnReport = (done: number, total: number | undefined, message: string) => void;

/** What a delivery, which brings no file, resolves with. */
const NO_FILE = '';

/** What commands wait for and the daemon brings or does. Files are kept by their hash, so each is brought once for a batch. */
export class Needs {
  readonly #directory: string;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #reports = new Map<string, OnReport>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The blob's path, once it is there; `announce` says that it is not there yet. */
  async require(hash: string, signal: AbortSignal, announce: () => void): Promise<string> {
    const path = this.#pathOf(hash);
    return (await exists(path)) ? path : this.await(hash, signal, announce);
  }

  /** The path of what the daemon brings under this key; `announce` tells the daemon. */
  async await(key: string, signal: AbortSignal, announce: () => void): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const waiter = { resolve, reject };
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters.add(waiter));
    const onAbort = (): void => reject(new Error('the command is being ended'));
    signal.addEventListener('abort', onAbort);
    try {
      if (signal.aborted) onAbort();
      else announce();
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0) this.#waiters.delete(key);
    }
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_HASH_MISMATCH; the need then stays open */
  async provide(hash: string, result: { path: string } | { error: Reason }): Promise<void> {
    await this.answer(hash, 'error' in result ? result : { path: result.path, hash });
  }

  /** @throws ExeUnitError ERR_EXE_UNIT_HASH_MISMATCH; the need then stays open */
  async answer(key: string, answer: NeedAnswer): Promise<void> {
    const waiters = [...(this.#waiters.get(key) ?? [])];
    // Nobody waits (any more): a repeated answer.
    if (waiters.length === 0) return;
    if ('error' in answer) {
      for (const waiter of waiters) waiter.reject(new CommandFailure(answer.error));
      return;
    }
    const path = 'path' in answer ? await this.#take(answer.hash, answer.path) : NO_FILE;
    for (const waiter of waiters) waiter.resolve(path);
  }

  /** A batch has ended: what was brought for it makes room. The daemon keeps what others may want again. */
  clear(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  /** The returned function ends it. */
  onReport(key: string, listener: OnReport): () => void {
    this.#reports.set(key, listener);
    return () => this.#reports.delete(key);
  }

  /** How far the daemon is with what the command waits for. */
  report(key: string, ...progress: Parameters<OnReport>): void {
    this.#reports.get(key)?.(...progress);
  }

  #pathOf(hash: string): string {
    return join(this.#directory, blobFileName(hash));
  }

  /** Into this activity's own directory, since the daemon may drop its blob at any time. */
  async #take(hash: string, source: string): Promise<string> {
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
      return this.#pathOf(hash);
    } finally {
      // Also when it was renamed: two links to one file make rename(2) do nothing.
      await rm(temporary, { force: true });
    }
  }
}

async function hashOf(path: string): Promise<string> {
  await using file = await open(path, 'r');
  return `sha256:${(await digestFile(file)).hex}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
