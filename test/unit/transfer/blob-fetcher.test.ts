import { createHash, randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BLOB_CHUNK_BYTES, type BlobServer, type Network } from '../../../src/interface/network.ts';
import type { BlobFetcher } from '../../../src/interface/transfer.ts';
import { memoryNetwork, type MemoryHub } from '../../../src/network/index.ts';
import { blobFetcher, blobServer, blobStore, type BlobStore } from '../../../src/transfer/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { testIdentity } from '../../support/identities.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const content = randomBytes(4_000_000);
const hash = `sha256:${createHash('sha256').update(content).digest('hex')}`;
const logger = silentLogger;

let clock: FakeClock;
let hub: MemoryHub;
let provider: Network;
let requestor: Network;
let blobs: BlobStore;
let fetcher: BlobFetcher;
let offsets: number[];

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  hub = memoryNetwork({ clock });
  provider = hub.join(testIdentity('provider'));
  requestor = hub.join(testIdentity('requestor'));
  await writeFile(join(folder(), 'source'), content);
  offsets = [];
  blobs = blobStore({ directory: join(folder(), 'store'), maxBlobBytes: 10_000_000 }, { logger, clock });
  await blobs.start();
  serve(served(async (asked) => (asked === hash ? join(folder(), 'source') : undefined)));
  await Promise.all([provider.start(), requestor.start()]);
  fetcher = blobFetcher({ maxAttempts: 3 }, { network: requestor, blobs, clock, logger, random: () => 0.5 });
});

afterEach(async () => {
  await Promise.all([provider.stop(), requestor.stop()]);
});

function serve(server: BlobServer): void {
  provider.serveBlobs({
    open: (asked, sender, offset) => {
      offsets.push(offset);
      return server.open(asked, sender, offset);
    },
  });
}

function served(allow: (hash: string) => Promise<string | undefined>): BlobServer {
  return blobServer({ allow }, blobs);
}

function corrupted(): BlobServer {
  return {
    open: async () => ({
      sizeBytes: 3,
      chunks: [createHash('sha256').update('bad').digest('hex')],
      bytes: (async function* () {
        yield Buffer.from('bad');
      })(),
    }),
  };
}

/** Lets a fetch run while the fake clock jumps over its back-offs. */
async function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([work]).then(([first]) => (result = first));
  while (result === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const next = clock.nextTimerMs;
    if (next !== undefined && next <= 10_000) await clock.advance(next);
  }
  return result;
}

describe('fetching a blob', () => {
  test('brings it whole, tells its progress, and costs nothing when it is here', async () => {
    const progress: [number, number][] = [];
    const onProgress = (...args: [number, number]): void => void progress.push(args);
    expect(await fetcher.fetch(provider.peerId, hash, { onProgress })).toEqual({
      hash,
      sizeBytes: 4_000_000,
    });
    expect(progress.at(-1)).toEqual([4_000_000, 4_000_000]);
    expect(await blobs.verify(hash)).toEqual({ hash, sizeBytes: 4_000_000 });
    hub.disconnect(provider.peerId, requestor.peerId);
    expect(await fetcher.fetch(provider.peerId, hash)).toEqual({ hash, sizeBytes: 4_000_000 });
    expect(offsets).toEqual([0]);
  });

  test('goes on where it broke off, as often as there is progress', async () => {
    let cuts = 0;
    hub.fault(({ kind }) =>
      kind === 'fetch' && cuts++ < 3 ? { type: 'cut', afterBytes: 1_100_000 } : undefined,
    );
    requestor.onPeer(() => undefined);
    const reconnect = setInterval(() => hub.connect(provider.peerId, requestor.peerId), 1);
    expect(await settled(fetcher.fetch(provider.peerId, hash))).toMatchObject({ status: 'fulfilled' });
    clearInterval(reconnect);
    expect(offsets[0]).toBe(0);
    expect(offsets[1]).toBeGreaterThan(0);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    await blobs.verify(hash);
  });

  test('gives up without progress, and a later call resumes, also in another run of the node', async () => {
    hub.fault(({ kind }) =>
      kind === 'fetch' && offsets.length === 0 ? { type: 'cut', afterBytes: 1_700_000 } : undefined,
    );
    const first = await settled(fetcher.fetch(provider.peerId, hash));
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NETWORK_UNREACHABLE' } });
    hub.connect(provider.peerId, requestor.peerId);
    const restarted = blobStore(
      { directory: join(folder(), 'store'), maxBlobBytes: 10_000_000 },
      { logger, clock },
    );
    await restarted.start();
    const again = blobFetcher({}, { network: requestor, blobs: restarted, clock, logger });
    expect(await again.fetch(provider.peerId, hash)).toEqual({ hash, sizeBytes: 4_000_000 });
    expect(offsets.at(-1)).toBe(BLOB_CHUNK_BYTES);
  });

  test('of several callers runs once; each may give up by itself', async () => {
    const controller = new AbortController();
    const onProgress = (received: number): void => {
      if (received > 1_500_000) controller.abort();
    };
    const given = fetcher.fetch(provider.peerId, hash, { signal: controller.signal, onProgress });
    const others = Array.from({ length: 5 }, () => fetcher.fetch(provider.peerId, hash));
    await expect(given).rejects.toMatchObject({ code: 'ERR_TRANSFER_ABORTED' });
    expect(await Promise.all(others)).toEqual(others.map(() => ({ hash, sizeBytes: 4_000_000 })));
    expect(offsets).toEqual([0]);
  });

  test('that everybody gave up ends, and can be asked for again', async () => {
    hub.fault(({ kind }) =>
      kind === 'fetch' && offsets.length === 0 ? { type: 'cut', afterBytes: 100 } : undefined,
    );
    const controller = new AbortController();
    const given = fetcher.fetch(provider.peerId, hash, { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'ERR_TRANSFER_ABORTED' });
    hub.connect(provider.peerId, requestor.peerId);
    expect(await settled(fetcher.fetch(provider.peerId, hash))).toMatchObject({ status: 'fulfilled' });
  });

  test('that lies from its list on is thrown away, and its peer named', async () => {
    serve(corrupted());
    await expect(fetcher.fetch(provider.peerId, hash)).rejects.toMatchObject({
      code: 'ERR_TRANSFER_HASH_MISMATCH',
      detail: { peerId: provider.peerId, hash },
      message: expect.stringContaining(provider.peerId) as string,
    });
    expect(await readdir(join(folder(), 'store', 'partial'))).toEqual([]);
    expect(await blobs.list()).toEqual([]);
    expect(blobs.usage().bytes).toBe(0);
  });

  test('does not suffer from what a liar left behind', async () => {
    await writeFile(join(folder(), 'store', 'partial', hash.slice(7)), 'the liar');
    expect(await fetcher.fetch(provider.peerId, hash)).toEqual({ hash, sizeBytes: 4_000_000 });
    expect(offsets).toEqual([0]);
  });

  test('over the limit is refused before its bytes', async () => {
    const fetched = fetcher.fetch(provider.peerId, hash, { maxBytes: 3_999_999 });
    await expect(fetched).rejects.toMatchObject({ code: 'ERR_TRANSFER_TOO_LARGE' });
    expect(blobs.usage().bytes).toBe(0);
    await fetcher.fetch(provider.peerId, hash, { maxBytes: 4_000_000 });
    await expect(fetcher.fetch(provider.peerId, hash, { maxBytes: 5 })).rejects.toMatchObject({
      code: 'ERR_TRANSFER_TOO_LARGE',
    });
  });

  test('that the peer has not, or not for us, says so at once', async () => {
    const missing = `sha256:${'0'.repeat(64)}`;
    await expect(fetcher.fetch(provider.peerId, missing)).rejects.toMatchObject({
      code: 'ERR_NETWORK_BLOB_NOT_FOUND',
    });
    expect(offsets).toEqual([0]);
  });
});

describe('serving blobs', () => {
  const sender = { peerId: 'p', address: 'a' };

  test('a file that is gone is like one that was never there; a folder is never read', async () => {
    const gone = served(async () => join(folder(), 'nothing'));
    expect(await gone.open(hash, sender, 0)).toBeUndefined();
    const directory = served(async () => folder());
    await expect(directory.open(hash, sender, 0)).rejects.toMatchObject({ code: 'ERR_TRANSFER_IO' });
  });

  test('an offset beyond the end is refused', async () => {
    const server = served(async () => join(folder(), 'source'));
    await expect(server.open(hash, sender, 4_000_001)).rejects.toMatchObject({ code: 'ERR_TRANSFER_RANGE' });
  });
});
