import type { Clock } from '../interface/clock.ts';

/** Where values are told, not too often. */
export interface Throttled<T> {
  /** Tells the value at once; while an interval runs, only the newest value is told, when it ends. */
  say(value: T): void;
  /** Nothing is told any more. */
  stop(): void;
}

/** Passes values on, at most one in each interval and none in the first one. The newest value is never lost. */
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
