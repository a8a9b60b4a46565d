import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  BLOB_CHUNK_BYTES as CHUNK,
  type BlobServer,
  type BlobStream,
  type Network,
} from '../../../src/interface/network.ts';
import type { BlobInfo } from '../../../src/interface/transfer.ts';
import { memoryNetwork, NetworkError, type MemoryHub } from '../../../src/network/index.ts';
import { ChunkLists } from '../../../src/transfer/chunk-lists.ts';
import { blobFetcher, blobServer, blobStore, type BlobStore } from '../../../src/transfer/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { testIdentity } from '../../support/identities.ts';
import { silentLogger as logger } from '../../../src/util/silent-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const content = randomBytes(9 * CHUNK + 12_345);
const hash = nameOf(content);
const WITHIN = 100;

let clock: FakeClock;
let hub: MemoryHub;
let provider: Network;
let requestor: Network;
let blobs: BlobStore;
let offsets: number[];
let sentBytes: number;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  hub = memoryNetwork({ clock });
  provider = hub.join(testIdentity('provider'));
  requestor = hub.join(testIdentity('requestor'));
  await writeFile(join(folder(), 'source'), content);
  offsets = [];
  sentBytes = 0;
  await Promise.all([provider.start(), requestor.start()]);
  await restarted();
  serve(honest());
});

afterEach(async () => {
  await Promise.all([provider.stop(), requestor.stop()]);
});

/** Another run of the requestor's node on the same disk. */
async function restarted(): Promise<void> {
  blobs = blobStore({ directory: join(folder(), 'store'), maxBlobBytes: 20_000_000 }, { logger, clock });
  await blobs.start();
}

function nameOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function listOf(bytes: Uint8Array): string[] {
  const chunks = [];
  for (let at = 0; at < bytes.byteLength; at += CHUNK)
    chunks.push(nameOf(bytes.subarray(at, at + CHUNK)).slice('sha256:'.length));
  return chunks;
}

function honest(): BlobServer {
  return blobServer({ allow: async () => join(folder(), 'source') }, blobs);
}

/** Says that `bytes` are the blob, by the list of `listed`. */
function claiming(bytes: Buffer, listed: Buffer = bytes): BlobServer {
  return {
    open: async (_hash, _sender, offset) => ({
      sizeBytes: bytes.byteLength,
      chunks: listOf(listed),
      bytes: pieces(bytes.subarray(offset)),
    }),
  };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

function serve(server: BlobServer): void {
  provider.serveBlobs({
    async open(asked, sender, offset) {
      offsets.push(offset);
      const blob = await server.open(asked, sender, offset);
      return blob && { ...blob, bytes: counted(blob) };
    },
  });
}

async function* breaking(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes);
  throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'the stream broke');
}

async function* counted({ bytes }: BlobStream): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    sentBytes += piece.byteLength;
    yield piece;
  }
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const partialPath = (): string => join(folder(), 'store', 'partial', hash.slice('sha256:'.length));

function fetch(maxAttempts = 1, name = hash): Promise<BlobInfo> {
  const fetcher = blobFetcher({ maxAttempts }, { network: requestor, blobs, clock, logger, random: () => 0 });
  return fetcher.fetch(provider.peerId, name);
}

/** Lets a fetch run while the fake clock jumps over its back-offs. */
async function settled<T>(work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  over.catch(() => undefined);
  while (!state.isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = clock.nextTimerMs;
    if (next !== undefined && next <= 10_000) await clock.advance(next);
  }
  return over;
}

/** Lets the connection break after so many bytes; what came is left for another run of the node. */
async function brokenOff(afterBytes: number): Promise<void> {
  let isFirst = true;
  hub.fault(({ kind }) => {
    if (kind !== 'fetch' || !isFirst) return undefined;
    isFirst = false;
    return { type: 'cut', afterBytes };
  });
  await expect(fetch()).rejects.toMatchObject({ code: 'ERR_NETWORK_UNREACHABLE' });
  hub.connect(provider.peerId, requestor.peerId);
  await restarted();
}

describe('a blob is verified chunk by chunk', () => {
  test('a wrong chunk in the middle ends the transfer there; what came before is kept', async () => {
    serve(claiming(flipped(content, 5 * CHUNK + WITHIN), content));
    await expect(fetch()).rejects.toMatchObject({
      code: 'ERR_TRANSFER_CHUNK_MISMATCH',
      message: expect.stringContaining(`Peer ${provider.peerId}`) as string,
      detail: { peerId: provider.peerId, hash, chunk: 5, offset: 5 * CHUNK },
    });
    expect(sentBytes).toBeLessThan(6 * CHUNK + 100_000);
    expect((await stat(partialPath())).size).toBe(5 * CHUNK);
    serve(honest());
    await fetch();
    expect(offsets).toEqual([0, 5 * CHUNK]);
    await blobs.verify(hash);
    expect(await readdir(join(folder(), 'store', 'partial'))).toEqual([]);
  });

  test('a chunk that was not whole when the stream broke comes again', async () => {
    await brokenOff(3 * CHUNK - 1);
    expect((await stat(partialPath())).size).toBe(2 * CHUNK);
    await fetch();
    expect(offsets).toEqual([0, 2 * CHUNK]);
  });

  test('more bytes than the list has are no part of it', async () => {
    serve({
      open: async () => ({ sizeBytes: 5, chunks: listOf(Buffer.alloc(5)), bytes: pieces(Buffer.alloc(6)) }),
    });
    await expect(fetch()).rejects.toMatchObject({ code: 'ERR_TRANSFER_CHUNK_MISMATCH' });
    expect(await blobs.list()).toEqual([]);
  });

  test('a list that lies is thrown away with all that came by it, once the whole is here', async () => {
    serve(claiming(flipped(content, 5 * CHUNK)));
    await expect(fetch()).rejects.toMatchObject({
      code: 'ERR_TRANSFER_HASH_MISMATCH',
      detail: { peerId: provider.peerId },
    });
    expect(await readdir(join(folder(), 'store', 'partial'))).toEqual([]);
    expect(blobs.usage().bytes).toBe(0);
    serve(honest());
    await fetch();
    expect(offsets).toEqual([0, 0]);
  });

  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])(
    'a blob of %i bytes comes whole',
    async (size) => {
      const bytes = content.subarray(0, size);
      await writeFile(join(folder(), 'source'), bytes);
      const name = nameOf(bytes);
      expect(await fetch(1, name)).toEqual({ hash: name, sizeBytes: size });
      await blobs.verify(name);
    },
  );
});

describe('what an earlier attempt left', () => {
  beforeEach(() => brokenOff(6 * CHUNK + WITHIN));

  test('is gone on from', async () => {
    await fetch();
    expect(offsets).toEqual([0, 6 * CHUNK]);
    await blobs.verify(hash);
  });

  test('counts up to the first chunk that is not what the list says', async () => {
    await writeFile(partialPath(), flipped(await readFile(partialPath()), 4 * CHUNK + WITHIN));
    await fetch();
    expect(offsets).toEqual([0, 4 * CHUNK]);
    await blobs.verify(hash);
  });

  test('may have lost its end, or have a hole for one', async () => {
    await truncate(partialPath(), 3 * CHUNK + WITHIN);
    await truncate(partialPath(), 8 * CHUNK);
    await fetch();
    expect(offsets).toEqual([0, 3 * CHUNK]);
    await blobs.verify(hash);
  });

  test.each([
    ['no JSON', '{"sizeBytes":'],
    ['no hashes', JSON.stringify({ sizeBytes: content.byteLength, chunks: ['?'] })],
    ['too few of them', JSON.stringify({ sizeBytes: content.byteLength, chunks: [] })],
  ])('counts nothing when its list is %s', async (_what, text) => {
    await writeFile(`${partialPath()}.chunks`, text);
    await fetch();
    expect(offsets).toEqual([0, 0]);
    await blobs.verify(hash);
  });

  test('does not count under another list: the blob begins anew', async () => {
    const chunks = listOf(flipped(content, 8 * CHUNK));
    await writeFile(`${partialPath()}.chunks`, JSON.stringify({ sizeBytes: content.byteLength, chunks }));
    await settled(fetch(3));
    expect(offsets).toEqual([0, 6 * CHUNK, 0]);
    await blobs.verify(hash);
  });

  test('is not thrown away again and again for a peer that changes its list at every attempt', async () => {
    serve({
      open: async (_hash, _sender, offset) => ({
        sizeBytes: content.byteLength,
        chunks: listOf(flipped(content, 8 * CHUNK + offsets.length)),
        bytes: breaking(content.subarray(offset, offset + 2 * CHUNK)),
      }),
    });
    await expect(settled(fetch(3))).rejects.toMatchObject({
      code: 'ERR_TRANSFER_CHUNK_LIST',
      detail: { peerId: provider.peerId, hash },
    });
    expect(offsets).toEqual([0, 6 * CHUNK, 0, 2 * CHUNK]);
  });

  test('is dropped with its list when it grew old', async () => {
    const old = clock.now() / 1000 - 8 * 24 * 3600;
    await utimes(partialPath(), old, old);
    await restarted();
    expect(await readdir(join(folder(), 'store', 'partial'))).toEqual([]);
  });
});

describe('the chunk hashes of what is served', () => {
  const chunksFolder = (): string => join(folder(), 'store', 'chunks');

  test('are reckoned once, and anew when the file or the list changed', async () => {
    const lists = new ChunkLists(chunksFolder());
    const path = join(folder(), 'source');
    const head = { sizeBytes: content.byteLength, chunks: listOf(content) };
    expect(await Promise.all([lists.of(hash, path), lists.of(hash, path)])).toEqual([head, head]);
    const [name = ''] = await readdir(chunksFolder());
    const kept = JSON.parse(await readFile(join(chunksFolder(), name), 'utf8')) as { chunks: string[] };
    expect(kept.chunks).toEqual(head.chunks);
    // What is in the file is what counts now: it is not reckoned again.
    const marked = head.chunks.map(() => 'ab'.repeat(32));
    await writeFile(join(chunksFolder(), name), JSON.stringify({ ...kept, chunks: marked }));
    expect((await lists.of(hash, path)).chunks).toEqual(marked);
    await writeFile(join(chunksFolder(), name), 'half a li');
    expect(await lists.of(hash, path)).toEqual(head);
    const changed = flipped(content, 0);
    await writeFile(path, changed);
    await utimes(path, 1, 1);
    expect((await lists.of(hash, path)).chunks).toEqual(listOf(changed));
  });

  test('go with the blob, and with a file that is no longer there', async () => {
    const { hash: stored } = await blobs.put(pieces(content));
    await blobs.chunkLists.of(stored, (await blobs.path(stored)) ?? '');
    expect(await readdir(chunksFolder())).toEqual([stored.slice('sha256:'.length)]);
    await blobs.delete(stored);
    expect(await readdir(chunksFolder())).toEqual([]);
    await blobs.chunkLists.of(stored, join(folder(), 'source'));
    await writeFile(join(chunksFolder(), `${'0'.repeat(64)}.left`), 'by a crash');
    await restarted();
    expect(await readdir(chunksFolder())).toEqual([stored.slice('sha256:'.length)]);
    await rm(join(folder(), 'source'));
    await restarted();
    expect(await readdir(chunksFolder())).toEqual([]);
  });

  test('of a small file are not kept', async () => {
    await writeFile(join(folder(), 'small'), 'abc');
    await blobs.chunkLists.of(nameOf(Buffer.from('abc')), join(folder(), 'small'));
    expect(await readdir(chunksFolder())).toEqual([]);
  });
});
