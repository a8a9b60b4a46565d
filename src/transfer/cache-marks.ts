import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../util/error-code.ts';

/**
 * Which blobs were fetched for activities and are nobody's: an empty file for each, its time that of the last use. A
 * mark is made before its blob is, so that a crash in between leaves a mark of nothing and never a blob that stays for
 * ever.
 */
export class CacheMarks {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async set(hex: string, nowMs: number): Promise<void> {
    await writeFile(this.#path(hex), '', { mode: 0o600 });
    await this.touch(hex, nowMs);
  }

  async has(hex: string): Promise<boolean> {
    return (await this.#usedAt(hex)) !== undefined;
  }

  /** Idempotent. */
  async remove(hex: string): Promise<void> {
    await rm(this.#path(hex), { force: true });
  }

  /** Notes when the blob was used; does nothing for one without a mark. */
  async touch(hex: string, nowMs: number): Promise<void> {
    await utimes(this.#path(hex), nowMs / 1000, nowMs / 1000).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
    });
  }

  /** The one not used for the longest time first. */
  async list(): Promise<{ hex: string; usedAt: number }[]> {
    const found: { hex: string; usedAt: number }[] = [];
    for (const hex of await readdir(this.#directory)) {
      if (!/^[0-9a-f]{64}$/.test(hex)) continue;
      const usedAt = await this.#usedAt(hex);
      if (usedAt !== undefined) found.push({ hex, usedAt });
    }
    return found.sort((a, b) => a.usedAt - b.usedAt || (a.hex < b.hex ? -1 : 1));
  }

  async #usedAt(hex: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(hex))).mtimeMs;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  #path(hex: string): string {
    return join(this.#directory, hex);
  }
}
