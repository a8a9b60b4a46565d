import type { Clock } from '../../interface/clock.ts';

/** Resolves when something changed, or the time has passed. Rejects with the signal's reason when it aborts. */
export async function waitForChange(
  clock: Clock,
  subscribe: (listener: () => void) => () => void,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new DOMException('Aborted', 'AbortError'));
  };
  const unsubscribe = subscribe(() => resolve(undefined));
  const cancel = clock.setTimer(() => resolve(undefined), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    unsubscribe();
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
