import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { BLOB_CHUNK_BYTES, type BlobHead } from '../interface/network.ts';
import { Bytes, ChunkHashes } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { TransferError } from './errors.ts';

/** A list of chunk hashes as it lies on disk. */
const Head = Type.Object({ sizeBytes: Bytes, chunks: ChunkHashes }, { additionalProperties: false });
const checkHead = checker(Head, 'list of chunk hashes');

/** What a file says, or undefined when it is no list: a crash may have left anything. */
export function headOf(text: string): Static<typeof Head> | undefined {
  try {
    const head = checkHead(JSON.parse(text));
    return head.chunks.length === Math.ceil(head.sizeBytes / BLOB_CHUNK_BYTES) ? head : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two descriptions are of the same bytes. */
export function sameHead(a: BlobHead, b: BlobHead): boolean {
  return a.sizeBytes === b.sizeBytes && a.chunks.every((hash, index) => hash === b.chunks[index]);
}

/** The hash of each chunk of what comes. */
export async function chunkHashes(source: AsyncIterable<Uint8Array>): Promise<BlobHead> {
  const chunks: string[] = [];
  let sizeBytes = 0;
  let hash = createHash('sha256');
  for await (const bytes of source) {
    for (const piece of atChunkEnds(bytes, sizeBytes)) {
      hash.update(piece);
      sizeBytes += piece.byteLength;
      if (sizeBytes % BLOB_CHUNK_BYTES > 0) continue;
      chunks.push(hash.digest('hex'));
      hash = createHash('sha256');
    }
  }
  if (sizeBytes % BLOB_CHUNK_BYTES > 0) chunks.push(hash.digest('hex'));
  return { sizeBytes, chunks };
}

/**
 * Whole chunks out of bytes that begin at the chunk `offset`, each after it was found to be what the list says; what
 * the source breaks off in the middle of is left out. Throws ERR_TRANSFER_CHUNK_MISMATCH at the first that differs.
 */
export async function* verifiedChunks(
  source: AsyncIterable<Uint8Array>,
  head: BlobHead,
  offset: number,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let hash = createHash('sha256');
  let at = offset;
  for await (const bytes of source) {
    for (const piece of atChunkEnds(bytes, at)) {
      if (at + piece.byteLength > head.sizeBytes) throw wrongChunk(head, at);
      pieces.push(piece);
      hash.update(piece);
      at += piece.byteLength;
      if (at % BLOB_CHUNK_BYTES > 0 && at < head.sizeBytes) continue;
      if (hash.digest('hex') !== head.chunks[chunkBefore(at)]) throw wrongChunk(head, at - 1);
      const chunk = Buffer.concat(pieces);
      pieces = [];
      hash = createHash('sha256');
      yield chunk;
    }
  }
}

/** The bytes, which begin at `at` in their blob, cut where a chunk ends. */
function* atChunkEnds(bytes: Uint8Array, at: number): Generator<Uint8Array> {
  for (let from = 0; from < bytes.byteLength;) {
    const to = from + BLOB_CHUNK_BYTES - ((at + from) % BLOB_CHUNK_BYTES);
    yield bytes.subarray(from, to);
    from = to;
  }
}

function chunkBefore(at: number): number {
  return Math.ceil(at / BLOB_CHUNK_BYTES) - 1;
}

function wrongChunk({ chunks, sizeBytes }: BlobHead, at: number): TransferError {
  const index = Math.floor(at / BLOB_CHUNK_BYTES);
  const message =
    at < sizeBytes
      ? `Chunk ${index + 1} of ${chunks.length} is not what the list of chunk hashes says`
      : `More than the ${sizeBytes} bytes of the list of chunk hashes came`;
  return new TransferError('ERR_TRANSFER_CHUNK_MISMATCH', message, {
    chunk: index,
    offset: index * BLOB_CHUNK_BYTES,
  });
}
