import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 256 * 1024;

/** Reads an open file from its beginning to its end, without using its position. Closing it is the caller's. */
export async function digestFile(
  file: FileHandle,
  algorithm: 'sha256' | 'sha3-256' = 'sha256',
): Promise<{ readonly hex: string; readonly sizeBytes: number }> {
  const hash = createHash(algorithm);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let sizeBytes = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, sizeBytes);
    if (bytesRead === 0) return { hex: hash.digest('hex'), sizeBytes };
    hash.update(chunk.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
}
