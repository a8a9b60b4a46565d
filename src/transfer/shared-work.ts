import { TransferError } from './errors.ts';

interface Job<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Work that several callers want the same of: it runs once for all that come while it runs, and is given up when all of
 * them have. A caller that found it running and saw it fail tries once more: its own peer or limit may differ.
 */
export class SharedWork<T> {
  readonly #jobs = new Map<string, Job<T>>();

  async run(
    key: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const earlier = this.#jobs.get(key);
    if (earlier !== undefined) {
      try {
        return await this.#join(earlier, signal);
      } catch (error) {
        if (signal?.aborted === true) throw error;
      }
      // Another of those that waited may have begun anew: that attempt is as good as an own one.
      const later = this.#jobs.get(key);
      if (later !== undefined) return this.#join(later, signal);
    }
    return this.#join(this.#begin(key, work), signal);
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.#jobs.delete(key));
    result.catch(() => undefined);
    const job = { result, controller, waiting: 0 };
    this.#jobs.set(key, job);
    return job;
  }

  async #join(job: Job<T>, signal: AbortSignal | undefined): Promise<T> {
    const given = Promise.withResolvers<never>();
    const onAbort = (): void => given.reject(givenUp(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    job.waiting += 1;
    try {
      return await Promise.race([job.result, given.promise]);
    } finally {
      job.waiting -= 1;
      signal?.removeEventListener('abort', onAbort);
      if (job.waiting === 0) job.controller.abort(givenUp(signal));
    }
  }
}

function givenUp(signal: AbortSignal | undefined): TransferError {
  return new TransferError(
    'ERR_TRANSFER_ABORTED',
    'The transfer was given up',
    {},
    { cause: signal?.reason },
  );
}
