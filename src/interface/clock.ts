/** Injected time. Nothing in a feature reads the system clock or sets a timer itself. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Monotonic clock, nanoseconds; comparable only within one boot of the machine. */
  monotonicNs(): bigint;
  /** Runs `fn` once after `delayMs`; the returned function cancels. The timer keeps no process alive. */
  setTimer(fn: () => void, delayMs: number): () => void;
}
