import type { Clock } from '../interface/clock.ts';
import { isErgonError } from '../interface/errors.ts';
import type { Logger } from '../interface/logger.ts';
import type { BlobHead, Network, RequestOptions } from '../interface/network.ts';
import type { BlobFetcher, BlobFetchOptions, BlobInfo } from '../interface/transfer.ts';
import { backoffMs } from '../util/backoff.ts';
import { delay } from '../util/delay.ts';
import type { BlobStore } from './blob-store.ts';
import { verifiedChunks } from './chunks.ts';
import { TransferError } from './errors.ts';
import type { PartialBlob } from './partial-blob.ts';
import { SharedWork } from './shared-work.ts';
import { tooLarge } from './space.ts';

export interface BlobFetcherInit {
  /** Attempts without a single new byte before it gives up. Default 5. */
  readonly maxAttempts?: number;
  /** The longest silence of the peer. Default 30 s. */
  readonly stallTimeoutMs?: number;
}

export interface BlobFetcherComponents {
  readonly network: Network;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
}

const BACKOFF = { firstMs: 200, maxMs: 10_000 };

/** Fetches blobs from peers into the store, each at most once at a time, resuming where the last attempt ended. */
export function blobFetcher(init: BlobFetcherInit, components: BlobFetcherComponents): BlobFetcher {
  const shared = new SharedWork<BlobInfo>();
  const fetcher: BlobFetcher = {
    async fetch(peerId, hash, options = {}) {
      const here = await components.blobs.stat(hash);
      const info =
        here ??
        (await shared.run(hash, options.signal, async (signal) => {
          // It may have come while this caller waited for another's attempt.
          const come = await components.blobs.stat(hash);
          return come ?? (await new Fetch(init, components, { peerId, hash, options, signal }).run());
        }));
      if (info.sizeBytes > (options.maxBytes ?? Infinity)) throw tooLarge(options.maxBytes ?? 0);
      const isHere = await components.blobs.noteUse(hash, options.cached === true);
      return isHere ? info : fetcher.fetch(peerId, hash, options);
    },
  };
  return fetcher;
}

interface Target {
  readonly peerId: string;
  readonly hash: string;
  readonly options: BlobFetchOptions;
  readonly signal: AbortSignal;
}

/** One blob on its way. */
class Fetch {
  readonly #init: BlobFetcherInit;
  readonly #components: BlobFetcherComponents;
  readonly #target: Target;
  #restarts = 0;

  constructor(init: BlobFetcherInit, components: BlobFetcherComponents, target: Target) {
    this.#init = init;
    this.#components = components;
    this.#target = target;
  }

  async run(): Promise<BlobInfo> {
    const { hash, options } = this.#target;
    const partial = await this.#components.blobs.openPartial(hash, options);
    try {
      await this.#fill(partial);
      return await partial.complete();
    } catch (error) {
      if (isErgonError(error, 'ERR_TRANSFER_TOO_LARGE')) await partial.discard().catch(() => undefined);
      throw this.#blamed(error);
    } finally {
      await partial.close();
    }
  }

  /** All bytes fitted this peer's list, those of earlier attempts too: whatever is wrong with them is its word. */
  #blamed(error: unknown): unknown {
    if (!(error instanceof TransferError)) return error;
    if (!isErgonError(error, 'ERR_TRANSFER_HASH_MISMATCH', 'ERR_TRANSFER_CHUNK_MISMATCH')) return error;
    const { peerId, hash } = this.#target;
    const message = `Peer ${peerId} sent what is not blob ${hash}: ${error.message}`;
    return new TransferError(error.code, message, { ...error.detail, peerId, hash }, { cause: error });
  }

  /** What came under another list does not count under this one: then the blob begins anew, but only once. */
  async #agree(partial: PartialBlob, head: BlobHead): Promise<void> {
    if (!(await partial.under(head))) return;
    const { peerId, hash } = this.#target;
    this.#restarts += 1;
    if (this.#restarts > 1) {
      const message = `Peer ${peerId} changes its list of chunk hashes of blob ${hash} from attempt to attempt`;
      throw new TransferError('ERR_TRANSFER_CHUNK_LIST', message, { peerId, hash });
    }
    const message = `Peer ${peerId} has another list of chunk hashes of blob ${hash} than what is here came by`;
    throw new TransferError('ERR_TRANSFER_ABORTED', message, { peerId, hash });
  }

  async #fill(partial: PartialBlob): Promise<void> {
    const { clock, random, logger } = this.#components;
    const { hash, peerId, signal } = this.#target;
    for (let attempt = 1; ; attempt += 1) {
      const before = partial.offset;
      try {
        await this.#attempt(partial);
        return;
      } catch (err) {
        if (partial.offset > before) attempt = 1;
        signal.throwIfAborted();
        if (!isPassing(err) || attempt >= (this.#init.maxAttempts ?? 5)) throw err;
        logger.debug({ err, hash, peerId, offset: partial.offset }, 'a blob transfer broke off and goes on');
        await delay(clock, backoffMs(BACKOFF, attempt, random), signal);
      }
    }
  }

  async #attempt(partial: PartialBlob): Promise<void> {
    const { peerId, hash, options, signal } = this.#target;
    const request: RequestOptions = {
      signal,
      timeoutMs: this.#init.stallTimeoutMs ?? 30_000,
      ...(options.multiaddrs === undefined ? {} : { multiaddrs: options.multiaddrs }),
    };
    const { offset } = partial;
    const { bytes, ...head } = await this.#components.network.fetchBlob(peerId, hash, offset, request);
    const { sizeBytes } = head;
    try {
      if (sizeBytes > (options.maxBytes ?? Infinity)) throw tooLarge(options.maxBytes ?? 0);
      await this.#agree(partial, head);
    } catch (error) {
      await leave(bytes);
      throw error;
    }
    for await (const chunk of verifiedChunks(bytes, head, offset)) {
      await partial.append(chunk);
      options.onProgress?.(partial.offset, sizeBytes);
    }
    if (partial.offset !== sizeBytes) {
      const message = `${partial.offset} of ${sizeBytes} bytes of blob ${hash} came`;
      throw new TransferError('ERR_TRANSFER_ABORTED', message, { hash, peerId });
    }
  }
}

/** Ends a stream whose bytes are not wanted: what was never read from would not notice. */
async function leave(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const reader = bytes[Symbol.asyncIterator]();
  // One that broke has ended by itself.
  await reader.next().catch(() => undefined);
  await reader.return?.();
}

/** The connection's fault, not the blob's: worth another attempt. */
function isPassing(error: unknown): boolean {
  return isErgonError(error, 'ERR_NETWORK_UNREACHABLE', 'ERR_NETWORK_TIMEOUT', 'ERR_TRANSFER_ABORTED');
}
