import type { StoredEvent } from '../../../../interface/index.ts';
import { DAY_MS } from '../../../../util/durations.ts';
import { Notifier } from '../hold.ts';
import { StoreFollower } from './follower.ts';
import type { YagnaContext } from '../init.ts';
import { agreementNoteBucket, approvalNoteBucket } from '../market/records.ts';
import { clientEventBucket, clientEventKey, positionBucket, type ClientEvent } from './records.ts';
import { isoMicros } from '../time.ts';
import { clientEvent, SOURCE_EVENTS } from './client-event.ts';

const POSITION = 'recorder';
const KEEP_MS = 30 * DAY_MS;
const PURGE_BATCH = 256;

type Context = Pick<YagnaContext, 'store' | 'events' | 'clock' | 'logger' | 'market'>;

/**
 * Turns the store's events into those that clients poll for, in order, each once, over any restart. Each gets a cursor
 * of its own in microseconds: clients ask for what came after the last date that they have seen.
 */
export class EventRecorder {
  readonly recorded = new Notifier();
  readonly #context: Context;
  readonly #onEvent: (event: StoredEvent) => void;
  readonly #follower: StoreFollower;

  /** `onEvent` hears of each once it is recorded. */
  constructor(context: Context, onEvent: (event: StoredEvent) => void) {
    this.#context = context;
    this.#onEvent = onEvent;
    const what = { position: POSITION, types: SOURCE_EVENTS };
    this.#follower = new StoreFollower(context, what, (event) => this.#hear(event));
  }

  start(): void {
    this.#follower.start();
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }

  async #hear(event: StoredEvent): Promise<void> {
    await this.#record(event);
    this.recorded.notify();
    this.#onEvent(event);
  }

  async #record(event: StoredEvent): Promise<void> {
    const { store, market } = this.#context;
    const agreementId = agreementOf(event);
    const agreement = agreementId === undefined ? undefined : await market.get(agreementId);
    await store.transact(async (tx) => {
      const before = await tx.get(positionBucket, POSITION);
      if (before !== undefined && before.seq >= event.seq) return;
      const micros = Math.max(event.at * 1000, (before?.micros ?? 0) + 1);
      tx.put(positionBucket, POSITION, { seq: event.seq, micros });
      const found = clientEvent(event, agreement);
      if (found === undefined) return;
      const note =
        agreementId === undefined
          ? undefined
          : ((await tx.get(agreementNoteBucket, agreementId)) ??
            (await tx.get(approvalNoteBucket, agreementId)));
      const recorded: ClientEvent = {
        micros,
        kind: found.kind,
        ...(note?.appSessionId !== undefined && { appSessionId: note.appSessionId }),
        body: { ...found.body, eventDate: isoMicros(micros) },
      };
      tx.put(clientEventBucket, clientEventKey(micros), recorded);
    });
  }

  /** Events so old that no client can be waiting for them, however many there are. */
  async purge(): Promise<void> {
    const oldest = (this.#context.clock.now() - KEEP_MS) * 1000;
    while ((await this.#purgeBatch(oldest)) === PURGE_BATCH);
  }

  /** They stand in the order of their time. Returns how many there were. */
  #purgeBatch(oldest: number): Promise<number> {
    return this.#context.store.transact(async (tx) => {
      const first = await tx.list(clientEventBucket, { limit: PURGE_BATCH });
      const stale = first.filter(({ value }) => value.micros < oldest);
      for (const { id } of stale) tx.delete(clientEventBucket, id);
      return stale.length;
    });
  }
}

function agreementOf({ type, subject, data }: StoredEvent): string | undefined {
  if (type.startsWith('agreement.')) return subject;
  const found =
    typeof data === 'object' && data !== null && 'agreementId' in data ? data.agreementId : undefined;
  return typeof found === 'string' ? found : undefined;
}
