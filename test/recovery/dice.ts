import { seededRandom } from '../../runtimes/wasi/host/random.ts';

/** Falls the same way for the same seed. */
export class Dice {
  readonly #fill: (bytes: Uint8Array) => void;

  constructor(seed: string) {
    this.#fill = seededRandom(seed);
  }

  /** A whole number from 0, less than this. */
  below(limit: number): number {
    const bytes = Buffer.alloc(4);
    this.#fill(bytes);
    return bytes.readUInt32LE() % limit;
  }

  one<T>(all: readonly T[]): T {
    const chosen = all[this.below(all.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }
}
