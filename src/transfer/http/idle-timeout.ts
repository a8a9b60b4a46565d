import type { Clock } from '../../interface/clock.ts';

/** Watches a server from its making on, and calls `onTimeout` once nothing was heard for `timeoutMs`. */
export class IdleTimeout {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #onTimeout: () => void;
  #cancel: (() => void) | undefined;
  /** Set once the silence was too long. */
  error: Error | undefined;

  constructor(timeoutMs: number, clock: Clock, error: Error, onTimeout: (error: Error) => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#onTimeout = () => {
      this.error = error;
      onTimeout(error);
    };
    this.reset();
  }

  /** Something was heard: the time begins anew. */
  reset(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(this.#onTimeout, this.#timeoutMs);
  }

  /** Nothing is to be heard for now. Idempotent; `reset` begins to watch again. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
