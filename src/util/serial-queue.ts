/** Does one piece of work after the other, in the order in which they came. One that fails does not hold up the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `work` does, which begins once all that came before it is done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all that has come so far is done. Never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
