import type { Clock, Forget, Logger, Startable } from '../interface/index.ts';
import { delay } from '../util/delay.ts';
import { DAY_MS } from '../util/durations.ts';

/** After the start a node has better things to do. */
const FIRST_AFTER_MS = 10 * 60 * 1000;
const EVERY_MS = 6 * 3600 * 1000;
/** Between two steps, so that whoever waits for the books comes first. */
const BREATH_MS = 20;
/** To compact the books costs as much for a few things as for many. */
const WORTH_COMPACTING = 10_000;

export interface RetentionInit {
  /** For how long what is over is kept; 0: for ever. */
  readonly days: number;
}

export interface RetentionComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  /** By the name that logs call it by. */
  readonly forget: Readonly<Record<string, Forget>>;
  /** Gives back the room on disk that forgotten things still take. */
  readonly compact: () => Promise<void>;
}

/** Sweeps now and then through what is over, and has each part of the node forget what it need not keep. */
export function retention({ days }: RetentionInit, components: RetentionComponents): Startable {
  const { clock, logger, forget, compact } = components;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running = Promise.resolve();
  let loose = 0;
  const breathe = (): Promise<void> => delay(clock, BREATH_MS, signal);

  const sweep = async (): Promise<void> => {
    const before = clock.now() - days * DAY_MS;
    for (const [what, one] of Object.entries(forget)) {
      try {
        const forgotten = await one(before, breathe);
        loose += forgotten;
        if (forgotten > 0) logger.info({ what, forgotten, before }, 'what was over for long is forgotten');
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ what, err }, 'what is over could not be forgotten; trying again later');
      }
    }
  };
  const tidy = async (): Promise<void> => {
    if (loose < WORTH_COMPACTING) return;
    loose = 0;
    await compact().catch((err: unknown) => logger.warn({ err }, 'the books were not compacted'));
  };
  const run = async (): Promise<void> => {
    for (let waitMs = FIRST_AFTER_MS; ; waitMs = EVERY_MS) {
      // Rejects when the node stops.
      await delay(clock, waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await sweep();
      await tidy();
    }
  };

  return {
    async start() {
      if (days > 0) running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
