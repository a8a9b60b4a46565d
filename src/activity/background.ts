import type { Clock, Logger } from '../interface/index.ts';
import { backoffMs } from '../util/backoff.ts';
import { delay } from '../util/delay.ts';

export interface BackgroundComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY = { firstMs: 200, maxMs: 10_000 };

/** The loops of a service: started one by one, aborted and awaited together. */
export class Background {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(components: BackgroundComponents) {
    this.#clock = components.clock;
    this.#logger = components.logger;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Runs it until it returns or the service stops. What it throws is logged: a loop handles its own errors. */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.signal.aborted) return;
    const running = work(this.signal)
      .catch((error: unknown) => {
        if (!this.signal.aborted)
          this.#logger.error({ loop: name, err: error }, 'a loop has ended by an error');
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /**
   * Repeats `turn`, with growing pauses while it throws, until it returns true or the signal aborts. `pause` may return
   * early, when there is reason to hope again.
   */
  async retrying(
    fields: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    turn: () => Promise<boolean>,
    pause = (ms: number): Promise<void> => this.pause(ms, signal),
  ): Promise<void> {
    let failures = 0;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      try {
        if (await turn()) return;
        failures = 0;
      } catch (error) {
        if (isOver()) return;
        failures += 1;
        this.#logger.warn({ ...fields, err: error, failures }, 'failed; trying again');
        await pause(backoffMs(RETRY, failures));
      }
    }
  }

  /** Calls `work` every `everyMs`, one call at a time. */
  every(name: string, everyMs: number, work: () => Promise<void>): void {
    this.spawn(name, async (signal) => {
      while (!signal.aborted) {
        await work().catch((error: unknown) => {
          if (!signal.aborted) this.#logger.warn({ loop: name, err: error }, 'failed; trying again');
        });
        await this.pause(everyMs, signal);
      }
    });
  }

  /** A pause that an abort ends without an error. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await delay(this.#clock, ms, signal).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
