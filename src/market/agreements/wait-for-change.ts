import type { Clock } from '../../interface/clock.ts';

/** True when something changed, false when the time passed first. Rejects with the signal's reason when it aborts. */
export async function waitForChange(
  clock: Clock,
  subscribe: (listener: () => void) => () => void,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new DOMException('Aborted', 'AbortError'));
  };
  const unsubscribe = subscribe(() => resolve(true));
  const cancel = clock.setTimer(() => resolve(false), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    unsubscribe();
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
