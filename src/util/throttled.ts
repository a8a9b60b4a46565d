import type { Clock } from '../interface/clock.ts';

export interface Throttled<T> {
  /** Told now or, when the last was a moment ago, as the newest one a little later. */
  say(value: T): void;
  /** Nothing is told any more. */
  stop(): void;
}

/** Tells values on, at most one in each interval and none in the first; the newest is not lost. */
export function throttled<T>(intervalMs: number, clock: Clock, tell: (value: T) => void): Throttled<T> {
  let latest: { value: T } | undefined;
  let isStopped = false;
  let cancel: () => void = () => undefined;
  const rest = (): void => {
    cancel = clock.setTimer(() => {
      isResting = false;
      const due = latest;
      latest = undefined;
      if (due !== undefined) send(due.value);
    }, intervalMs);
    isResting = true;
  };
  const send = (value: T): void => {
    rest();
    tell(value);
  };
  let isResting = false;
  rest();
  return {
    say(value) {
      if (isStopped) return;
      if (isResting) latest = { value };
      else send(value);
    },
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
