import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

/** Fills all of it with random bytes. */
export type FillRandom = (target: Uint8Array) => void;

/** The environment variable that a run's seed is in. */
export const RANDOM_SEED = 'ERGON_RANDOM_SEED';

const CHUNK_BYTES = 65_536;

export const systemRandom: FillRandom = (target) => {
  for (const chunk of chunksOf(target)) randomFillSync(chunk);
};

/**
 * The same bytes for the same seed, run for run and machine for machine: the key stream of AES-256 in counter mode from
 * zero, its key the SHA-256 of the seed as UTF-8. Not to be guessed by who does not know the seed.
 */
export function seededRandom(seed: string): FillRandom {
  const key = createHash('sha256').update(seed).digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (target) => {
    for (const chunk of chunksOf(target)) chunk.set(stream.update(new Uint8Array(chunk.length)));
  };
}

function* chunksOf(target: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < target.length; at += CHUNK_BYTES) yield target.subarray(at, at + CHUNK_BYTES);
}
