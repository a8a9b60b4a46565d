import { Type } from 'typebox';
import { BLOB_CHUNK_BYTES, type BlobHead } from '../interface/network.ts';
import { Bytes, ChunkHashes } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { NetworkError } from './errors.ts';

export const BlobHeadSchema = Type.Object(
  { sizeBytes: Bytes, chunks: ChunkHashes },
  { additionalProperties: false },
);
const checkHead = checker(BlobHeadSchema, 'blob reply');

interface Asked {
  readonly peerId: string;
  readonly hash: string;
  readonly offset: number;
}

/** Refuses what no blob can be whose bytes from `offset` were asked for: ERR_NETWORK_PROTOCOL. */
export function checkBlobHead({ sizeBytes, chunks }: BlobHead, { peerId, hash, offset }: Asked): BlobHead {
  const broken = (what: string, cause?: unknown): NetworkError =>
    new NetworkError(
      'ERR_NETWORK_PROTOCOL',
      `Peer ${peerId} broke the protocol: ${what}`,
      { peerId, hash },
      { cause },
    );
  try {
    checkHead({ sizeBytes, chunks });
  } catch (cause) {
    throw broken('its blob reply is malformed', cause);
  }
  const count = Math.ceil(sizeBytes / BLOB_CHUNK_BYTES);
  if (chunks.length !== count)
    throw broken(`${chunks.length} chunk hashes for ${sizeBytes} bytes, which are ${count} chunks`);
  if (sizeBytes < offset) throw broken(`blob ${hash} ends before byte ${offset}`);
  return { sizeBytes, chunks };
}
