import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { BlobInfo } from '../interface/transfer.ts';
import { CacheMarks } from './cache-marks.ts';
import { hexOf } from './files.ts';

interface Init {
  /** Where the marks lie. */
  readonly directory: string;
  readonly maxBytes: number;
}

interface Components {
  readonly stat: (hash: string) => Promise<BlobInfo | undefined>;
  readonly delete: (hash: string) => Promise<unknown>;
  /** Keeps the work apart from all else that names or drops blobs. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Which blobs were fetched for activities and belong to nobody: the ones not used for the longest time are dropped. */
export class BlobCache {
  readonly #maxBytes: number;
  readonly #components: Components;
  readonly #marks: CacheMarks;
  /** Blobs that somebody is using, and how often. */
  readonly #held = new Map<string, number>();

  constructor({ directory, maxBytes }: Init, components: Components) {
    this.#maxBytes = maxBytes;
    this.#components = components;
    this.#marks = new CacheMarks(directory);
  }

  /** Keeps the blob from being dropped until the returned function is called. */
  hold(hash: string): () => void {
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const others = (this.#held.get(hash) ?? 1) - 1;
      if (others === 0) this.#held.delete(hash);
      else this.#held.set(hash, others);
    };
  }

  isHeld(hash: string): boolean {
    return this.#held.has(hash);
  }

  async bytes(): Promise<number> {
    return sum(await this.#list());
  }

  /** A new blob, before it gets its name: a crash in between leaves a mark of nothing. */
  async admit(hash: string): Promise<void> {
    await this.#marks.set(hexOf(hash), this.#components.clock.now());
  }

  /** The blob is to stay. Idempotent. */
  async release(hash: string): Promise<void> {
    await this.#marks.remove(hexOf(hash));
  }

  /** Notes that it was used just now, if it is one of the cache's. */
  async touch(hash: string): Promise<void> {
    await this.#marks.touch(hexOf(hash), this.#components.clock.now());
  }

  /** Drops what was not used for the longest time until the others take no more than the bound. */
  async trim(): Promise<void> {
    const cached = await this.#list();
    let bytes = sum(cached);
    for (const info of cached) {
      if (bytes <= this.#maxBytes) return;
      if (await this.#components.alone(() => this.#drop(info))) bytes -= info.sizeBytes;
    }
  }

  /** The one not used for the longest time first. */
  async #list(): Promise<BlobInfo[]> {
    const cached: BlobInfo[] = [];
    for (const { hex } of await this.#marks.list()) {
      const info = await this.#components.stat(`sha256:${hex}`);
      if (info !== undefined) cached.push(info);
    }
    return cached;
  }

  /** Removes the marks that a crash has left of blobs that are not here. */
  async dropEmptyMarks(): Promise<void> {
    for (const { hex } of await this.#marks.list()) {
      if ((await this.#components.stat(`sha256:${hex}`)) === undefined) await this.#marks.remove(hex);
    }
  }

  /** The blob before its mark: a crash in between leaves a mark of nothing. */
  async #drop({ hash, sizeBytes }: BlobInfo): Promise<boolean> {
    if (this.#held.has(hash) || !(await this.#marks.has(hexOf(hash)))) return false;
    await this.#components.delete(hash);
    await this.#marks.remove(hexOf(hash));
    this.#components.logger.info({ hash, sizeBytes }, 'a blob of the cache was dropped');
    return true;
  }
}

const sum = (infos: readonly BlobInfo[]): number =>
  infos.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
