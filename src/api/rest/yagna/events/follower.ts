import type { StoredEvent } from '../../../../interface/index.ts';
import { delay } from '../../../../util/delay.ts';
import type { YagnaContext } from '../init.ts';
import { positionBucket } from './records.ts';

const RETRY_MS = 1_000;

type Context = Pick<YagnaContext, 'store' | 'events' | 'clock' | 'logger'>;

/**
 * Hands the store's events of some types to `handle`, in order, from where the last run came to. `handle` moves the
 * position in the transaction in which it does what the event is for, so that each is handled once, over any restart.
 */
export class StoreFollower {
  readonly #context: Context;
  readonly #position: string;
  readonly #types: readonly string[];
  readonly #handle: (event: StoredEvent) => Promise<void>;
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    context: Context,
    what: { readonly position: string; readonly types: readonly string[] },
    handle: (event: StoredEvent) => Promise<void>,
  ) {
    this.#context = context;
    this.#position = what.position;
    this.#types = what.types;
    this.#handle = handle;
  }

  start(): void {
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { store, events, clock, logger } = this.#context;
    while (!signal.aborted) {
      try {
        const { seq = 0 } = (await store.get(positionBucket, this.#position)) ?? {};
        for await (const event of events.follow({ after: seq, types: this.#types }, signal))
          await this.#handle(event);
      } catch (err) {
        logger.error({ err, position: this.#position }, 'events for clients are not followed');
        // Rejects when this stops, as the loop sees.
        await delay(clock, RETRY_MS, signal).catch(() => undefined);
      }
    }
  }
}
