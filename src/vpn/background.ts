import type { Clock, Logger } from '../interface/index.ts';
import { backoffMs } from '../util/backoff.ts';
import { delay } from '../util/delay.ts';

const RETRY = { firstMs: 100, maxMs: 2_000 };

/** Repeats `turn` until the signal aborts, with growing pauses while it throws. */
export async function keepTrying(
  what: Readonly<Record<string, unknown>>,
  { clock, logger, signal }: { clock: Clock; logger: Logger; signal: AbortSignal },
  turn: () => Promise<void>,
): Promise<void> {
  let failures = 0;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await turn();
      failures = 0;
    } catch (err) {
      if (isOver()) return;
      failures += 1;
      logger.debug({ ...what, err, failures }, 'failed; trying again');
      await delay(clock, backoffMs(RETRY, failures), signal).catch(() => undefined);
    }
  }
}
