import type { Clock } from '../../interface/clock.ts';

interface Timer {
  readonly fn: () => void;
  readonly dueNs: bigint;
  cancel: (() => void) | undefined;
}

const NS_PER_MS = 1_000_000;

/**
 * Time at work: while it is stopped its monotonic reading stands still, and its timers wait. The time of day goes on.
 * What bills or limits a workload by time takes this clock, so that nobody pays for, or dies of, being suspended.
 */
export class WorkClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #stoppedNs: bigint | undefined;
  #lostNs = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonicNs(): bigint {
    return (this.#stoppedNs ?? this.#clock.monotonicNs()) - this.#lostNs;
  }

  setTimer(fn: () => void, delayMs: number): () => void {
    const dueNs = this.monotonicNs() + BigInt(Math.round(Math.max(0, delayMs) * NS_PER_MS));
    const timer: Timer = { fn, dueNs, cancel: undefined };
    this.#timers.add(timer);
    if (this.#stoppedNs === undefined) this.#arm(timer);
    return () => {
      timer.cancel?.();
      this.#timers.delete(timer);
    };
  }

  /** Idempotent. */
  stop(): void {
    if (this.#stoppedNs !== undefined) return;
    this.#stoppedNs = this.#clock.monotonicNs();
    for (const timer of this.#timers) timer.cancel?.();
  }

  /** Idempotent. */
  go(): void {
    if (this.#stoppedNs === undefined) return;
    this.#lostNs += this.#clock.monotonicNs() - this.#stoppedNs;
    this.#stoppedNs = undefined;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    const leftMs = Math.max(0, Math.ceil(Number(timer.dueNs - this.monotonicNs()) / NS_PER_MS));
    timer.cancel = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      timer.fn();
    }, leftMs);
  }
}
