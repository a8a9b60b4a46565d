import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { Startable } from '../interface/startable.ts';
import type { BlobInfo, Blobs, PutOptions } from '../interface/transfer.ts';
import { digestFile } from '../util/digest-file.ts';
import { DAY_MS } from '../util/durations.ts';
import { hasCode } from '../util/error-code.ts';
import { errorMessage } from '../util/error-message.ts';
import { syncDirectory } from '../util/files.ts';
import { SerialQueue } from '../util/serial-queue.ts';
import { sha256 } from '../util/sha256.ts';
import { BlobCache } from './blob-cache.ts';
import { ChunkLists } from './chunk-lists.ts';
import { mismatch, range, TransferError } from './errors.ts';
import { bytesOf, hexOf, ioError, openPlain, publish } from './files.ts';
import { PartialBlob, type Digest } from './partial-blob.ts';
import { dropOldPartials, PartialFolder } from './partial-folder.ts';
import { receive } from './receive.ts';
import { Space } from './space.ts';

export interface BlobStoreInit {
  /** Made when it is not there. It must be on one file system. */
  readonly directory: string;
  /** All blobs together. Default: no limit but the disk. */
  readonly maxBytes?: number;
  readonly maxBlobBytes: number;
  /** Blobs that were fetched for activities are kept up to so many bytes, and as much again of unfinished ones. Default: no limit but the disk. */
  readonly maxCachedBytes?: number;
  /** Unfinished fetches are resumed for so long after their last byte. Default one week. */
  readonly maxPartialAgeMs?: number;
}

/** Blobs in a folder, and what fetching and serving need of them beside the contract. */
export interface BlobStore extends Blobs, Startable {
  /** An unfinished blob to append to; one at a time for each hash. For the fetcher. */
  openPartial(
    hash: string,
    options?: { readonly maxBytes?: number; readonly cached?: boolean },
  ): Promise<PartialBlob>;
  /** A blob that is here was wanted again: for an activity, or, not `cached`, to stay. False: it was dropped just now. */
  noteUse(hash: string, cached: boolean): Promise<boolean>;
  /** The chunk hashes of the blobs that this node serves. */
  readonly chunkLists: ChunkLists;
  /** The same as `openPartial`, cached, for a blob whose name will be known only at its end; `key` is whatever tells it from others. */
  openUnnamed(
    key: string,
    options: { readonly maxBytes: number; readonly expected?: Digest },
  ): Promise<PartialBlob>;
}

const WEEK_MS = 7 * DAY_MS;

/**
 * Content-addressed files on disk: `blobs/ab/ab…` whole and read-only, `incoming` and `partial` on their way, `chunks`
 * with the chunk hashes of what was served.
 */
export function blobStore(init: BlobStoreInit, components: { logger: Logger; clock: Clock }): BlobStore {
  return new DiskBlobs(init, components);
}

class DiskBlobs implements BlobStore {
  readonly chunkLists: ChunkLists;
  readonly #init: BlobStoreInit;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #space: Space;
  readonly #folders: Record<'blobs' | 'incoming' | 'partial' | 'damaged' | 'cached' | 'chunks', string>;
  readonly #cache: BlobCache;
  readonly #partials: PartialFolder;
  /** What names and what drops blobs, one at a time: none is dropped that has just been put to stay. */
  readonly #naming = new SerialQueue();

  constructor(init: BlobStoreInit, components: { logger: Logger; clock: Clock }) {
    this.#init = init;
    this.#logger = components.logger.child({ component: 'transfer' });
    this.#clock = components.clock;
    this.#space = new Space({ maxBytes: init.maxBytes ?? Infinity, maxBlobBytes: init.maxBlobBytes });
    const folder = (name: string): string => join(init.directory, name);
    this.#folders = {
      blobs: folder('blobs'),
      incoming: folder('incoming'),
      partial: folder('partial'),
      damaged: folder('damaged'),
      cached: folder('cached'),
      chunks: folder('chunks'),
    };
    const maxBytes = init.maxCachedBytes ?? Infinity;
    this.#partials = new PartialFolder({ directory: this.#folders.partial, maxBytes });
    this.chunkLists = new ChunkLists(this.#folders.chunks);
    this.#cache = new BlobCache(
      { directory: this.#folders.cached, maxBytes },
      {
        stat: (hash) => this.stat(hash),
        delete: (hash) => this.#unlink(hash),
        alone: (work) => this.#naming.run(work),
        clock: this.#clock,
        logger: this.#logger,
      },
    );
  }

  /** Clears away what a crash left behind, and counts what is there. */
  async start(): Promise<void> {
    const { incoming, partial } = this.#folders;
    try {
      await rm(incoming, { recursive: true, force: true });
      for (const folder of Object.values(this.#folders))
        await mkdir(folder, { recursive: true, mode: 0o700 });
      await dropOldPartials(partial, this.#clock.now() - (this.#init.maxPartialAgeMs ?? WEEK_MS));
      await this.chunkLists.prune();
      this.#space.reset();
      for (const { sizeBytes } of await this.list()) this.#space.stored(sizeBytes);
      await this.#cache.dropEmptyMarks();
      await this.trim();
    } catch (error) {
      throw ioError(error, this.#init.directory);
    }
  }

  async stop(): Promise<void> {
    // Nothing runs by itself; an unfinished put is cleared away at the next start.
  }

  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<BlobInfo> {
    if (options.expectedHash !== undefined) hexOf(options.expectedHash);
    const temporary = join(this.#folders.incoming, randomUUID());
    const reservation = this.#space.reserve(options.maxBytes);
    try {
      const info = await receive(temporary, source, reservation, options.signal);
      if (options.expectedHash !== undefined && options.expectedHash !== info.hash) {
        throw mismatch(options.expectedHash, info.hash);
      }
      await this.#keep(temporary, info, false);
      return info;
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error instanceof TransferError || !hasErrno(error) ? error : ioError(error, temporary);
    } finally {
      reservation.release();
    }
  }

  async stat(hash: string): Promise<BlobInfo | undefined> {
    const path = this.#pathOf(hash);
    try {
      return { hash, sizeBytes: (await stat(path)).size };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw ioError(error, path);
    }
  }

  async path(hash: string): Promise<string | undefined> {
    return (await this.stat(hash)) === undefined ? undefined : this.#pathOf(hash);
  }

  async *read(hash: string, offset = 0): AsyncGenerator<Uint8Array> {
    const { sizeBytes } = await this.#mustHave(hash);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > sizeBytes)
      throw range(hash, offset, sizeBytes);
    const file = await openPlain(this.#pathOf(hash));
    try {
      yield* bytesOf(file, offset);
    } finally {
      await file.close();
    }
  }

  async verify(hash: string): Promise<BlobInfo> {
    const info = await this.#mustHave(hash);
    const file = await openPlain(this.#pathOf(hash));
    const { hex } = await digestFile(file).finally(() => file.close());
    const found = `sha256:${hex}`;
    if (found === hash) return info;
    await rename(this.#pathOf(hash), join(this.#folders.damaged, `${hexOf(hash)}.${randomUUID()}`));
    await this.chunkLists.remove(hash);
    this.#space.removed(info.sizeBytes);
    this.#logger.error({ hash, found }, 'a blob is damaged and was set aside');
    throw new TransferError('ERR_TRANSFER_DAMAGED', `Blob ${hash} is damaged: its bytes hash to ${found}`, {
      hash,
      found,
    });
  }

  async delete(hash: string, isUsed = async (): Promise<boolean> => false): Promise<boolean> {
    return this.#naming.run(async () => {
      if (this.#cache.isHeld(hash) || (await isUsed())) return false;
      const wasHere = await this.#unlink(hash);
      await this.#cache.release(hash);
      return wasHere;
    });
  }

  async #unlink(hash: string): Promise<boolean> {
    const info = await this.stat(hash);
    if (info === undefined) return false;
    try {
      await unlink(this.#pathOf(hash));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw ioError(error, this.#pathOf(hash));
    }
    await this.chunkLists.remove(hash);
    this.#space.removed(info.sizeBytes);
    return true;
  }

  async list(): Promise<BlobInfo[]> {
    const found: BlobInfo[] = [];
    for (const entry of await readdir(this.#folders.blobs, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/^[0-9a-f]{64}$/.test(entry.name)) continue;
      const info = await this.stat(`sha256:${entry.name}`);
      if (info !== undefined) found.push(info);
    }
    return found.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  }

  hold(hash: string): () => void {
    return this.#cache.hold(hash);
  }

  async whileHeld<T>(
    hashes: readonly string[],
    work: (found: readonly (BlobInfo | undefined)[]) => Promise<T>,
  ): Promise<T> {
    const releases = hashes.map((hash) => this.hold(hash));
    try {
      // Behind a deletion that looked before they were held.
      const found = await this.#naming.run(async () => {
        for (const hash of hashes) await this.#cache.release(hash);
        return Promise.all(hashes.map((hash) => this.stat(hash)));
      });
      return await work(found);
    } finally {
      for (const release of releases) release();
    }
  }

  async trim(): Promise<void> {
    await this.#cache.trim();
  }

  async noteUse(hash: string, cached: boolean): Promise<boolean> {
    return this.#naming.run(async () => {
      if (cached) await this.#cache.touch(hash);
      else await this.#cache.release(hash);
      return (await this.stat(hash)) !== undefined;
    });
  }

  usage(): { bytes: number; count: number; maxBytes: number } {
    return this.#space.usage();
  }

  cachedBytes(): Promise<number> {
    return this.#cache.bytes();
  }

  async openPartial(
    hash: string,
    { maxBytes, cached = false }: { readonly maxBytes?: number; readonly cached?: boolean } = {},
  ): Promise<PartialBlob> {
    const hex = hexOf(hash);
    return this.#openPartial(hex, {
      maxBytes,
      cached,
      expected: { algorithm: 'sha256', hex },
      isListed: true,
    });
  }

  async openUnnamed(
    key: string,
    options: { readonly maxBytes: number; readonly expected?: Digest },
  ): Promise<PartialBlob> {
    const name = sha256(key).toString('hex');
    return this.#openPartial(`unnamed-${name}`, { expected: undefined, ...options, cached: true });
  }

  async #openPartial(
    name: string,
    {
      maxBytes,
      expected,
      cached,
      isListed = false,
    }: { maxBytes: number | undefined; expected: Digest | undefined; cached: boolean; isListed?: boolean },
  ): Promise<PartialBlob> {
    const path = await this.#partials.take(name);
    const reservation = this.#space.reserve(maxBytes);
    try {
      const init = { path, isListed, ...(expected === undefined ? {} : { expected }) };
      return await PartialBlob.open(init, {
        reservation,
        keep: (info) => this.#keep(path, info, cached),
        leave: (isUnfinished) => this.#leave(name, isUnfinished),
      });
    } catch (error) {
      reservation.release();
      await this.#leave(name, true);
      throw ioError(error, path);
    }
  }

  async #leave(name: string, isUnfinished: boolean): Promise<void> {
    await this.#partials.leave(name, isUnfinished).catch((error: unknown) => {
      this.#logger.warn({ error: errorMessage(error) }, 'unfinished blobs could not be looked through');
    });
  }

  /** Gives a complete, synced file its name. */
  async #keep(temporary: string, { hash, sizeBytes }: BlobInfo, cached: boolean): Promise<void> {
    const path = this.#pathOf(hash);
    const folder = dirname(path);
    await this.#naming.run(async () => {
      const isHere = (await this.stat(hash)) !== undefined;
      if (cached && !isHere) await this.#cache.admit(hash);
      if (!cached) await this.#cache.release(hash);
      const made = await mkdir(folder, { recursive: true, mode: 0o700 });
      if (await publish(temporary, path)) this.#space.stored(sizeBytes);
      await syncDirectory(folder);
      if (made !== undefined) await syncDirectory(this.#folders.blobs);
    });
  }

  async #mustHave(hash: string): Promise<BlobInfo> {
    const info = await this.stat(hash);
    if (info === undefined)
      throw new TransferError('ERR_TRANSFER_NOT_FOUND', `There is no blob ${hash}`, { hash });
    return info;
  }

  #pathOf(hash: string): string {
    const hex = hexOf(hash);
    return join(this.#folders.blobs, hex.slice(0, 2), hex);
  }
}

function hasErrno(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}
