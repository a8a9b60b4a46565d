import type { Clock } from '../interface/clock.ts';
import type { RequestOptions } from '../interface/network.ts';
import { NetworkError } from './errors.ts';

export const REQUEST_TIMEOUT_MS = 30_000;

/** A signal that aborts with the NetworkError to throw: at the timeout or with the caller's signal. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Rejects with the deadline's error if it comes first. */
  race<T>(promise: Promise<T>): Promise<T>;
}

/** `what` names the operation in the error's message. Dispose of it, or the timer stays. */
export function deadline(
  clock: Clock,
  what: string,
  options: RequestOptions,
  defaultTimeoutMs: number,
): Deadline {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(
      new NetworkError('ERR_NETWORK_ABORTED', `${what} was given up`, {}, { cause: options.signal?.reason }),
    );
  };
  const cancelTimer = clock.setTimer(() => {
    controller.abort(
      new NetworkError('ERR_NETWORK_TIMEOUT', `${what} had no answer within ${timeoutMs} ms`, { timeoutMs }),
    );
  }, timeoutMs);
  options.signal?.addEventListener('abort', abort, { once: true });
  if (options.signal?.aborted === true) abort();
  return {
    signal: controller.signal,
    race: (promise) => raceAbort(promise, controller.signal),
    [Symbol.dispose]: () => {
      cancelTimer();
      options.signal?.removeEventListener('abort', abort);
    },
  };
}

/** `promise`, unless the signal aborts first: then its reason. The loser's rejection is swallowed. */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(
      signal.reason instanceof Error ? signal.reason : new NetworkError('ERR_NETWORK_ABORTED', 'Given up'),
    );
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
