import type { JsonValue } from '../interface/store.ts';
import { NetworkError } from './errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes of blobs behind the hashes of their chunks, one stream for each fetch. */
export const BLOB_PROTOCOL = '/ergon/blob/2';
/** Default bound of one message; bulk data travels as blobs. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Default bound of one gossiped announcement. */
export const MAX_ANNOUNCEMENT_BYTES = 64 * 1024;

/** JSON in UTF-8. Throws ERR_NETWORK_TOO_LARGE beyond `maxBytes`. */
export function encodeMessage(value: JsonValue, maxBytes: number): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value));
  if (bytes.byteLength > maxBytes) {
    throw new NetworkError(
      'ERR_NETWORK_TOO_LARGE',
      `A message of ${bytes.byteLength} bytes is over the limit of ${maxBytes}`,
      { bytes: bytes.byteLength, maxBytes },
    );
  }
  return bytes;
}

/** Throws ERR_NETWORK_PROTOCOL for bytes that are no JSON in UTF-8. */
export function decodeMessage(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return value;
  } catch (cause) {
    throw new NetworkError(
      'ERR_NETWORK_PROTOCOL',
      'The peer sent bytes that are no JSON message',
      {},
      { cause },
    );
  }
}
