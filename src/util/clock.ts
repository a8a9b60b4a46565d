import type { Clock } from '../interface/clock.ts';

/** setTimeout fires at once beyond this. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** The machine's own clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonicNs: () => process.hrtime.bigint(),
    setTimer,
  };
}

function setTimer(fn: () => void, delayMs: number): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer =
      leftMs > MAX_TIMEOUT_MS
        ? setTimeout(() => arm(leftMs - MAX_TIMEOUT_MS), MAX_TIMEOUT_MS)
        : setTimeout(fn, leftMs);
    timer.unref();
  };
  arm(Math.max(0, delayMs));
  // Node keeps timers in one list for each duration. Of a list that is empty only the clearing of a timer that is
  // referenced rids it at once; else it would stay for that whole duration, 150 bytes for each timer that was cancelled.
  return () => clearTimeout(timer.ref());
}
