import { encode, toObject } from 'flatbuffers/js/flexbuffers.js';

/** Room for a chunk of a file and what is around it, so that the encoder need not grow. */
const BUFFER_BYTES = 64 * 1024;

/** Bytes within `value` stand in buffers of their own: the encoder writes the whole buffer that a view is of. */
export function encodeFlexbuffer(value: object): Uint8Array {
  return encode(value, BUFFER_BYTES);
}

/** The value that a FlexBuffer holds. */
export function decodeFlexbuffer(data: Uint8Array): unknown {
  // The decoder reads from the start of the buffer, which a socket's message seldom owns.
  const own = new Uint8Array(data);
  return toObject(own.buffer);
}

/** Bytes of a decoded value: a blob, or a list of numbers, as some encoders write them. */
export function flexbufferBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return Array.isArray(value) ? Uint8Array.from(value.map(Number)) : undefined;
}
