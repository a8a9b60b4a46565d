import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { createTarPacker, type TarPackController } from 'modern-tar';
import type { ArchiveEntry } from './entry.ts';

const EPOCH = new Date(0);

export async function* writeTar(
  nodes: AsyncIterable<ArchiveEntry>,
  gzip: boolean,
): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const packing = pack(nodes, controller);
  packing.catch(() => undefined);
  try {
    yield* gzip ? gzipped(readable) : readable;
    await packing;
  } finally {
    await readable.cancel('given up').catch(() => undefined);
    await packing.catch(() => undefined);
  }
}

async function pack(nodes: AsyncIterable<ArchiveEntry>, controller: TarPackController): Promise<void> {
  try {
    for await (const node of nodes) {
      const writer = controller.add(headerOf(node)).getWriter();
      for await (const chunk of node.bytes) await writer.write(chunk);
      await writer.close();
    }
    controller.finalize();
  } catch (error) {
    controller.error(error);
    throw error;
  }
}

function headerOf({ names, kind, sizeBytes, executable }: ArchiveEntry) {
  const path = names.join('/');
  return {
    name: kind === 'directory' ? `${path}/` : path,
    type: kind,
    size: sizeBytes,
    mode: executable || kind === 'directory' ? 0o755 : 0o644,
    mtime: EPOCH,
    uid: 0,
    gid: 0,
  };
}

async function* gzipped(tar: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(tar, { objectMode: false });
  const compressed = createGzip();
  source.on('error', (error) => compressed.destroy(error));
  source.pipe(compressed);
  try {
    for await (const chunk of compressed) if (chunk instanceof Uint8Array) yield chunk;
  } finally {
    source.destroy();
    compressed.destroy();
  }
}
