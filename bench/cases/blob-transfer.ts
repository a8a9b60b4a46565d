import { createHash, randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { blobFetcher, blobStore } from '../../src/transfer/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import type { Bench } from '../support/bench.ts';
import { startChild } from '../support/child.ts';
import { compare, type Subject } from '../support/compare.ts';
import { expectBytes } from '../support/expect-bytes.ts';
import { localNetwork } from '../support/local-network.ts';

interface Peer {
  readonly peerId: string;
  readonly multiaddrs: readonly string[];
  readonly port: number;
}
const MIB = 1 << 20;

export const bench: Bench = {
  name: 'blob-transfer',
  ours: 'a blob from another node’s process over libp2p: only read, and fetched (hashed, synced to disk)',
  floor: 'the same file from the same process over bare TCP: only read; and written to a file and synced',
  run: async ({ dir, quick, defer }) => {
    const bytes = quick ? 8 * MIB : 64 * MIB;
    const path = join(dir, 'file');
    const content = randomBytes(bytes);
    await writeFile(path, content);
    const hash = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const child = await startChild<Peer>('blob-peer', [path]);
    defer(() => child.stop());
    const { peerId, multiaddrs, port } = child.hello;

    const ground = { clock: systemClock(), logger: silentLogger };
    const { network } = localNetwork();
    const blobs = blobStore({ directory: join(dir, 'blobs'), maxBlobBytes: bytes }, ground);
    for (const part of [blobs, network]) {
      await part.start();
      defer(() => part.stop());
    }
    const fetcher = blobFetcher({}, { ...ground, network, blobs });
    const trial = { samples: quick ? 3 : 15, warmUp: 1, bytes };
    const read: Subject = {
      run: async () => {
        const blob = await network.fetchBlob(peerId, hash, 0, { multiaddrs });
        await drain(blob.bytes, bytes);
      },
    };
    const fetched: Subject = {
      run: async () => {
        await fetcher.fetch(peerId, hash, { multiaddrs });
      },
      after: async () => {
        await blobs.delete(hash);
      },
    };
    const tcp: Subject = { run: () => drain(connect(port, '127.0.0.1'), bytes) };
    const kept: Subject = { run: () => keep(connect(port, '127.0.0.1'), join(dir, 'kept')) };
    return [
      await compare(`${bytes / MIB} MiB read`, trial, read, tcp),
      await compare(`${bytes / MIB} MiB fetched`, trial, fetched, tcp),
      await compare(`${bytes / MIB} MiB fetched, kept`, trial, fetched, kept),
    ];
  },
};

/** On the disk as well. */
async function keep(source: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  await using file = await open(path, 'w');
  await file.writeFile(source);
  await file.sync();
}

async function drain(source: AsyncIterable<Uint8Array>, expected: number): Promise<void> {
  let read = 0;
  for await (const chunk of source) read += chunk.length;
  expectBytes(read, expected);
}
