import type { BlobServer, Sender } from '../interface/network.ts';
import { range } from './errors.ts';
import { bytesOf, hasCode, ioError, openPlain } from './files.ts';

export interface BlobServerInit {
  /** Path of the file that this peer may read under this hash, or undefined when there is none or it may not. */
  readonly allow: (hash: string, sender: Sender) => Promise<string | undefined>;
}

/** Serves files to peers, as far as `allow` lets them. The files must not change. */
export function blobServer(init: BlobServerInit): BlobServer {
  return {
    async open(hash, sender, offset) {
      const path = await init.allow(hash, sender);
      if (path === undefined) return undefined;
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === undefined) return undefined;
      if (offset > sizeBytes) throw range(hash, offset, sizeBytes);
      return { sizeBytes, bytes: read(path, offset) };
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const file = await openPlain(path);
    return await file
      .stat()
      .then(({ size }) => size)
      .finally(() => file.close());
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw ioError(error, path);
  }
}

/** Opens only when it is read, so that a reply nobody waits for holds no file open. */
async function* read(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await openPlain(path);
  try {
    yield* bytesOf(file, offset);
  } finally {
    await file.close();
  }
}
