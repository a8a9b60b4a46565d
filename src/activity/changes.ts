import type { Clock } from '../interface/index.ts';

/** Wakes who waits for a change of one activity. In memory only: what changed is in the store. */
export class Changes {
  readonly #listeners = new Map<string, Set<() => void>>();

  notify(id: string): void {
    for (const listener of this.#listeners.get(id) ?? []) listener();
  }

  /** Subscribe, look, then wait: a change between looking and waiting is not missed. Close it when done. */
  subscribe(id: string): Subscription {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners);
    const subscription = new Subscription(() => {
      listeners.delete(subscription.wake);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    });
    listeners.add(subscription.wake);
    return subscription;
  }
}

/** One waiter for the changes of one activity. */
export class Subscription {
  #changed = false;
  #resolve: (() => void) | undefined;
  readonly close: () => void;

  constructor(close: () => void) {
    this.close = close;
  }

  readonly wake = (): void => {
    this.#changed = true;
    this.#resolve?.();
  };

  /** Resolves at the next change, one since the last wait included, or after `timeoutMs`; rejects on abort. */
  async next(clock: Clock, signal: AbortSignal, timeoutMs?: number): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) await this.#wait(clock, signal, timeoutMs);
    this.#changed = false;
  }

  #wait(clock: Clock, signal: AbortSignal, timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel?.();
        signal.removeEventListener('abort', onAbort);
        this.#resolve = undefined;
      };
      const finish = (): void => {
        done();
        resolve();
      };
      const onAbort = (): void => {
        done();
        reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted'));
      };
      const cancel = timeoutMs === undefined ? undefined : clock.setTimer(finish, timeoutMs);
      this.#resolve = finish;
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
