/** Wakes those that wait for the event log to grow. */
export class WakeUp {
  readonly #waiting = new Set<() => void>();
  #closed = false;

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** No wait lasts from now on. */
  close(): void {
    this.#closed = true;
    this.wake();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves at the next wake-up, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
