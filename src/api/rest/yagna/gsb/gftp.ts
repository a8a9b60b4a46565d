import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { checker } from '../../../../util/check.ts';
import { transferError } from '../errors.ts';
import type { GsbServices } from './services.ts';

/** What Yagna's own transfers ask for at a time. */
export const CHUNK_BYTES = 40_960;

const FileSize = Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.BigInt()]);
const checkMetadata = checker(Type.Object({ fileSize: FileSize }), 'GFTP metadata');
const checkChunk = checker(Type.Object({ offset: FileSize, content: Type.Unknown() }), 'GFTP chunk');

/** The file behind a client's service, chunk by chunk. */
export async function* receiveFile(
  services: GsbServices,
  on: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { fileSize } = checkMetadata(await services.call(on, 'GetMetadata', {}, signal));
  const sizeBytes = Number(fileSize);
  let offset = 0;
  while (offset < sizeBytes) {
    const size = Math.min(CHUNK_BYTES, sizeBytes - offset);
    const { content } = checkChunk(await services.call(on, 'GetChunk', { offset, size }, signal));
    const bytes = bytesOf(content);
    if (bytes.byteLength !== size)
      throw transferError(on, `a chunk of ${bytes.byteLength} bytes came where ${size} were asked for`);
    offset += size;
    yield bytes;
  }
}

/** A file to a client's service, in order, with its SHA-3 at the end. */
export async function sendFile(
  services: GsbServices,
  on: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha3-256');
  let offset = 0;
  for await (const content of rechunk(bytes)) {
    hash.update(content);
    // The encoder writes the whole buffer that a view is of: it gets one of its own.
    const chunk = { offset, content: new Uint8Array(content) };
    await services.call(on, 'UploadChunk', { chunk }, signal);
    offset += content.byteLength;
  }
  await services.call(on, 'UploadFinished', { hash: hash.digest('hex') }, signal);
}

async function* rechunk(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const piece of bytes) {
    rest = Buffer.concat([rest, piece]);
    let at = 0;
    for (; rest.length - at >= CHUNK_BYTES; at += CHUNK_BYTES) yield rest.subarray(at, at + CHUNK_BYTES);
    rest = rest.subarray(at);
  }
  if (rest.length > 0) yield rest;
}

/** A blob of flexbuffers, or a list of numbers, as some encoders write bytes. */
function bytesOf(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  if (Array.isArray(content)) return Uint8Array.from(content.map(Number));
  throw transferError('gsb', 'a chunk brought no bytes');
}
