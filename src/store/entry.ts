import { hash } from 'node:crypto';
import { StoreError } from './errors.ts';
import { shorten } from '../util/shorten.ts';

const CHECKSUM_CHARS = 16;

/** SHA-256 over key and payload, so that a payload under the wrong key is damage too. */
export function entryHash(key: string, payload: string): string {
  return hash('sha256', `${key}\n${payload}`, 'hex');
}

/** What stands on disk under `key`: a checksum, then the payload. */
export function encodeEntry(key: string, payload: string): string {
  return entryHash(key, payload).slice(0, CHECKSUM_CHARS) + payload;
}

/** The payload; throws ERR_STORE_DAMAGED when the checksum says that it is not what was written. */
export function decodeEntry(key: string, raw: string): string {
  return verifyEntry(key, raw).payload;
}

/** Like `decodeEntry`, with the full hash that the accumulator needs. */
export function verifyEntry(key: string, raw: string): { payload: string; hash: string } {
  const payload = raw.slice(CHECKSUM_CHARS);
  const found = entryHash(key, payload);
  if (!raw.startsWith(found.slice(0, CHECKSUM_CHARS)) || raw.length < CHECKSUM_CHARS) {
    throw new StoreError(
      'ERR_STORE_DAMAGED',
      `The entry ${shorten(key.replaceAll('\0', ' '), 160)} has been changed on disk. Run \`ergon store check\`, then \`ergon store restore <backup>\`.`,
      { key },
    );
  }
  return { payload, hash: found };
}
