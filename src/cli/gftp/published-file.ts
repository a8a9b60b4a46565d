import { open, realpath, stat } from 'node:fs/promises';
import { Type } from 'typebox';
import { checker } from '../../util/check.ts';
import { digestFile } from '../../util/digest-file.ts';
import type { Components } from './service.ts';

const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.BigInt()]);
const checkRange = checker(Type.Object({ offset: Count, size: Count }), 'GetChunk');
/** The most bytes in one answer: messages on the socket are bounded. */
const MAX_CHUNK_BYTES = 512 * 1024;

/** A file of this machine under its SHA-3, by which whoever gets it can check it. */
export interface PublishedFile {
  readonly id: string;
  readonly components: Components;
}

/** Reads the file once, for its hash; what is served later is read then. */
export async function publishedFile(given: string): Promise<PublishedFile> {
  const path = await realpath(given);
  if (!(await stat(path)).isFile()) throw new Error(`${given} is no regular file`);
  await using file = await open(path, 'r');
  const { hex, sizeBytes: fileSize } = await digestFile(file, 'sha3-256');
  return {
    id: hex,
    components: {
      GetMetadata: async () => ({ fileSize }),
      GetChunk: async (payload) => {
        const { offset, size } = checkRange(payload);
        return {
          offset,
          content: await readChunk(path, Number(offset), Math.min(Number(size), MAX_CHUNK_BYTES)),
        };
      },
    },
  };
}

/** Opened for each chunk: thousands of published files must not hold thousands of descriptors. */
async function readChunk(path: string, offset: number, size: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const content = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(content, filled, size - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return content.slice(0, filled);
  } finally {
    await file.close();
  }
}
