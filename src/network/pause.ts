import type { Clock } from '../interface/clock.ts';

/** A wait that can be ended early, also before it begins. */
export class Pause {
  readonly #clock: Clock;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets an earlier `end`. */
  reset(): void {
    this.#ended = false;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, at `end`, or when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#ended || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const cancel = this.#clock.setTimer(wake, ms);
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    this.#wake = undefined;
    cancel();
    signal.removeEventListener('abort', wake);
  }
}
