import { describe, expect, it } from 'vitest';
import { seededRandom, systemRandom } from '../../../runtimes/wasi/host/random.ts';

const take = (fill: (target: Uint8Array) => void, length: number): string => {
  const target = new Uint8Array(length);
  fill(target);
  return Buffer.from(target).toString('hex');
};

describe('seeded random bytes', () => {
  it('are what anyone can compute from the seed', () => {
    // printf seed | sha256sum; head -c 32 /dev/zero | openssl enc -aes-256-ctr -K … -iv 0
    expect(take(seededRandom('seed'), 32)).toBe(
      '1024e03ef1672193f39622137b64561695035481b84d74f6e1066d0842a2c23e',
    );
  });

  it('come in the same order however they are asked for', () => {
    const whole = take(seededRandom('s'), 200_000);
    const pieces = seededRandom('s');
    expect([1, 0, 15, 99_984, 100_000].map((length) => take(pieces, length)).join('')).toBe(whole);
  });

  it('are others for another seed, and others each time without one', () => {
    const all = [seededRandom(''), seededRandom('a'), seededRandom('b'), systemRandom, systemRandom];
    expect(new Set(all.map((fill) => take(fill, 16))).size).toBe(all.length);
  });
});
