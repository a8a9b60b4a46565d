import type { BlobHead, BlobServer, Sender } from '../interface/network.ts';
import { hasCode } from '../util/error-code.ts';
import type { ChunkLists } from './chunk-lists.ts';
import { range } from './errors.ts';
import { bytesOf, ioError, openPlain } from './files.ts';

export interface BlobServerInit {
  /** Path of the file that this peer may read under this hash, or undefined when there is none or it may not. */
  readonly allow: (hash: string, sender: Sender) => Promise<string | undefined>;
}

export interface BlobServerComponents {
  readonly chunkLists: Pick<ChunkLists, 'of'>;
}

/** Serves files to peers, as far as `allow` lets them. The files must not change. */
export function blobServer(init: BlobServerInit, { chunkLists }: BlobServerComponents): BlobServer {
  const headOf = async (hash: string, path: string): Promise<BlobHead | undefined> => {
    try {
      return await chunkLists.of(hash, path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw ioError(error, path);
    }
  };
  return {
    async open(hash, sender, offset) {
      const path = await init.allow(hash, sender);
      if (path === undefined) return undefined;
      const head = await headOf(hash, path);
      if (head === undefined) return undefined;
      if (offset > head.sizeBytes) throw range(hash, offset, head.sizeBytes);
      return { ...head, bytes: read(path, offset) };
    },
  };
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
