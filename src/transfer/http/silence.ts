import type { Clock } from '../../interface/clock.ts';

/** Watches a server from its making on, and calls `onSilence` once nothing was heard for `timeoutMs`. */
export class Silence {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  #cancel: (() => void) | undefined;
  /** Set once the silence was too long. */
  error: Error | undefined;

  constructor(timeoutMs: number, clock: Clock, error: Error, onSilence: (error: Error) => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#onSilence = () => {
      this.error = error;
      onSilence(error);
    };
    this.heard();
  }

  /** Something was heard: the time begins anew. */
  heard(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(this.#onSilence, this.#timeoutMs);
  }

  /** Nothing is to be heard for now. Idempotent; `heard` begins to watch again. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
