import type { EndSignal, OnEnd } from '../../src/interface/end-signal.ts';

type Target = (signal: EndSignal | 'SIGKILL') => void;

/** What ends a program that somebody runs in the foreground: the first signal is passed on to it, the next one kills. */
export class Interruption implements Disposable {
  readonly #forget: () => void;
  #signal: EndSignal | undefined;
  #target: Target | undefined;

  constructor(onEnd: OnEnd) {
    this.#forget = onEnd((signal) => this.#take(signal));
  }

  /** The first one, if any came. */
  get signal(): EndSignal | undefined {
    return this.#signal;
  }

  /** Where signals go from now on; one that came before goes there at once. */
  aim(target: Target): void {
    this.#target = target;
    if (this.#signal !== undefined) target(this.#signal);
  }

  [Symbol.dispose](): void {
    this.#forget();
  }

  #take(signal: EndSignal): void {
    const isFirst = this.#signal === undefined;
    this.#signal ??= signal;
    this.#target?.(isFirst ? signal : 'SIGKILL');
  }
}
