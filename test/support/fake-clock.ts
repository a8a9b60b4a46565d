import { access } from 'node:fs/promises';
import type { Clock } from '../../src/interface/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_800_000_000_000) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicNs(): bigint {
    return BigInt(Math.round((this.#nowMs - this.#startMs) * 1_000_000));
  }

  setTimer(fn: () => void, delayMs: number): () => void {
    const timer = { at: this.#nowMs + Math.max(0, delayMs), fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds to the next timer; undefined when none waits. */
  get nextTimerMs(): number | undefined {
    const next = this.#next(Infinity);
    return next === undefined ? undefined : next.at - this.#nowMs;
  }

  /** Moves the time on, firing what falls due in order, and lets promises settle before and after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    await this.settle();
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#timers.delete(timer);
      this.#nowMs = timer.at;
      timer.fn();
      await this.settle();
    }
    this.#nowMs = until;
  }

  /**
   * Lets pending promise reactions and ready I/O run. The question to the file system goes through the pool of threads
   * behind files and crypto and gives them the processor: turns of the event loop alone could all be over before
   * another thread has run once.
   */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await access('/');
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
