import { VpnError } from './errors.ts';

/** A packet, or the header of a stream. */
export const MAX_FRAME_BYTES = 8192;
const LENGTH_BYTES = 2;

/** The bytes behind their length, a big-endian number of 16 bits. */
export function encodeFrame(bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.byteLength);
  frame.writeUInt16BE(bytes.byteLength);
  frame.set(bytes, LENGTH_BYTES);
  return frame;
}

/** Takes bytes as they come and gives the frames in them, each with a 16-bit big-endian length. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** What has come of a frame that is not whole yet. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** @throws VpnError ERR_VPN_INVALID for a frame that is empty or too long; nothing behind it can be read */
  take(chunk: Uint8Array): Buffer[] {
    const bytes = this.#rest.length === 0 ? view(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const size = checked(bytes.readUInt16BE(at));
      if (bytes.length - at - LENGTH_BYTES < size) break;
      frames.push(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size));
      at += LENGTH_BYTES + size;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}

/** The first frame of a stream, and all that comes behind it. */
export async function readHeader(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ header: Buffer; body: AsyncIterable<Uint8Array> }> {
  const source = bytes[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    const size = held.length < LENGTH_BYTES ? undefined : checked(held.readUInt16BE());
    if (size !== undefined && held.length >= LENGTH_BYTES + size) {
      const end = LENGTH_BYTES + size;
      return { header: held.subarray(LENGTH_BYTES, end), body: rejoin(held.subarray(end), source) };
    }
    const next = await source.next();
    if (next.done === true) throw new VpnError('ERR_VPN_INVALID', 'The stream ended within its first frame');
    held = Buffer.concat([held, next.value]);
  }
}

async function* rejoin(first: Buffer, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

function checked(size: number): number {
  if (size > 0 && size <= MAX_FRAME_BYTES) return size;
  throw new VpnError(
    'ERR_VPN_INVALID',
    `A frame of ${size} bytes was announced; 1 to ${MAX_FRAME_BYTES} may be`,
    {
      bytes: size,
    },
  );
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
