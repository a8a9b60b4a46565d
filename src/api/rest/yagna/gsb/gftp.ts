import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { checker } from '../../../../util/check.ts';
import { flexbufferBytes } from '../../../../util/flexbuffers.ts';
import { transferError } from '../errors.ts';
import type { GsbLine, GsbServices } from './services.ts';

/** The size of a chunk, the same as Yagna's own transfers ask for. */
export const CHUNK_BYTES = 40_960;
/** Chunks that are asked for before the first of them has come. */
const AHEAD = 4;

const NAMED_BY_CONTENT = /\/([0-9a-f]{64})$/;

const FileSize = Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.BigInt()]);
const checkMetadata = checker(Type.Object({ fileSize: FileSize }), 'GFTP metadata');
const checkChunk = checker(Type.Object({ offset: FileSize, content: Type.Unknown() }), 'GFTP chunk');

interface Limits {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** The file behind a client's service, chunk by chunk; where its name is its SHA-3, it is held to that. */
export async function* receiveFile(
  services: GsbServices,
  on: string,
  { signal, maxBytes }: Limits,
): AsyncGenerator<Uint8Array> {
  const call = await reading(services, on, signal);
  const sizeBytes = Number(checkMetadata(await call('GetMetadata', {})).fileSize);
  if (sizeBytes > maxBytes)
    throw transferError(on, `it has ${sizeBytes} bytes, and no more than ${maxBytes} are taken`);
  const hash = createHash('sha3-256');
  const asked: Promise<Uint8Array>[] = [];
  const ask = async (offset: number): Promise<Uint8Array> => {
    const size = Math.min(CHUNK_BYTES, sizeBytes - offset);
    const { content } = checkChunk(await call('GetChunk', { offset, size }));
    const bytes = flexbufferBytes(content);
    if (bytes?.byteLength !== size)
      throw transferError(on, `a chunk of ${bytes?.byteLength ?? 0} bytes came where ${size} were asked for`);
    return bytes;
  };
  for (let offset = 0; offset < sizeBytes || asked.length > 0;) {
    for (; offset < sizeBytes && asked.length < AHEAD; offset += CHUNK_BYTES) {
      const asking = ask(offset);
      // Its failure is met when its turn comes, or after an earlier one's.
      asking.catch(() => undefined);
      asked.push(asking);
    }
    const bytes = await asked.shift();
    if (bytes === undefined) break;
    hash.update(bytes);
    yield bytes;
  }
  const [, promised] = NAMED_BY_CONTENT.exec(on) ?? [];
  const found = hash.digest('hex');
  if (promised !== undefined && promised !== found)
    throw transferError(on, `its SHA-3 is ${found}: it has changed since it was published`);
}

/**
 * Asks the client behind a file. Once that has gone, another one that publishes the same content is asked: two programs
 * that bring the same file to their providers do not wait for each other.
 */
async function reading(
  services: GsbServices,
  on: string,
  signal: AbortSignal,
): Promise<(component: string, payload: object) => Promise<unknown>> {
  let line: GsbLine = await services.open(on, signal);
  return async (component, payload) => {
    const asked = line;
    try {
      return await asked.call(component, payload, signal);
    } catch (error) {
      const other = asked.isGone() && NAMED_BY_CONTENT.test(on) ? services.now(on) : undefined;
      if (other === undefined) throw error;
      line = other;
      return other.call(component, payload, signal);
    }
  };
}

/** A file to a client's service, in order, with its SHA-3 at the end. */
export async function sendFile(
  services: GsbServices,
  on: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const line = await services.open(on, signal);
  const hash = createHash('sha3-256');
  let offset = 0;
  for await (const content of rechunk(bytes)) {
    hash.update(content);
    // The encoder writes the whole buffer that a view is of: it gets one of its own.
    const chunk = { offset, content: new Uint8Array(content) };
    await line.call('UploadChunk', { chunk }, signal);
    offset += content.byteLength;
  }
  await line.call('UploadFinished', { hash: hash.digest('hex') }, signal);
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
