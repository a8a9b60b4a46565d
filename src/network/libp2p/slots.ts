import { raceAbort } from '../deadline.ts';
import { NetworkError } from '../errors.ts';

/** Lets so many through at once; the others wait their turn, and too many waiting are refused. */
export class Slots {
  readonly #max: number;
  readonly #maxWaiting: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number, maxWaiting: number) {
    this.#max = max;
    this.#maxWaiting = maxWaiting;
  }

  /** Nothing holds or waits for a slot. */
  get idle(): boolean {
    return this.#taken === 0;
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    if (this.#taken < this.#max) {
      this.#taken += 1;
      return;
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new NetworkError('ERR_NETWORK_BUSY', `${this.#maxWaiting} requests to the peer wait already`, {
        waiting: this.#waiting.length,
      });
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const turn = (): void => resolve(undefined);
    this.#waiting.push(turn);
    try {
      await raceAbort(promise, signal);
    } catch (error) {
      const place = this.#waiting.indexOf(turn);
      if (place >= 0) this.#waiting.splice(place, 1);
      else this.#release(); // Its turn came in the same instant: it goes to the next.
      throw error;
    }
  }

  /** Hands the slot to the longest waiting one. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
