import { verifyEntry } from './entry.ts';

const MODULUS = 1n << 256n;

/** What all live entries add up to, in whatever order they were written. */
export interface Totals {
  readonly entries: number;
  /** Sum of the hashes of all entries, modulo 2^256, as hex. */
  readonly accumulator: string;
}

/** Keeps count and hash sum of all live entries as they come and go. */
export class Accumulator {
  #entries: number;
  #sum: bigint;

  constructor(totals: Totals = { entries: 0, accumulator: '0' }) {
    this.#entries = totals.entries;
    this.#sum = BigInt(`0x${totals.accumulator}`);
  }

  add(key: string, raw: string): void {
    this.#entries += 1;
    this.#sum = (this.#sum + BigInt(`0x${verifyEntry(key, raw).hash}`)) % MODULUS;
  }

  remove(key: string, raw: string): void {
    this.#entries -= 1;
    this.#sum = (this.#sum + MODULUS - BigInt(`0x${verifyEntry(key, raw).hash}`)) % MODULUS;
  }

  get totals(): Totals {
    return { entries: this.#entries, accumulator: this.#sum.toString(16) };
  }
}
