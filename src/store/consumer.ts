import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { EventLog, StoredEvent } from '../interface/store.ts';
import { backoffMs } from '../util/backoff.ts';
import { delay } from '../util/delay.ts';
import { consumerKey } from './keys.ts';
import type { Scan } from './event-log.ts';
import type { OpenTransaction } from './transaction.ts';
import type { WakeUp } from './wake-up.ts';

const RETRY = { firstMs: 100, maxMs: 30_000 };
/** A consumer that found nothing of interest for so long notes how far it has looked, so that a restart need not look again. */
const NOTE_POSITION_EVERY = 1_000;

export interface ConsumerComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wakeUp: WakeUp;
  readonly last: () => number;
  readonly scan: (types: readonly string[], after: number) => Promise<Scan>;
  readonly transact: <R>(work: (tx: OpenTransaction) => Promise<R>) => Promise<R>;
}

/** A consumer's name, under which its position is kept, and the events that it wants. */
export interface ConsumerInit {
  readonly name: string;
  readonly types: readonly string[];
  readonly handle: Parameters<EventLog['consume']>[2];
}

/** Hands every event of some types to a handler, in order and with effect exactly once, until the signal aborts. */
export async function runConsumer(
  init: ConsumerInit,
  components: ConsumerComponents,
  signal: AbortSignal,
): Promise<void> {
  const { name, types } = init;
  const key = consumerKey(name);
  const logger = components.logger.child({ consumer: name });
  const persist = <R>(what: string, work: () => Promise<R>): Promise<R | undefined> =>
    untilDone(work, signal, components.clock, (err, attempt) =>
      logger.warn({ err, attempt, what }, 'consumer retries'),
    );

  const noted = await persist('read position', () => components.transact((tx) => tx.counter(key)));
  let position = noted ?? 0;
  let notedAt = position;
  while (!signal.aborted) {
    const scan = await persist('read events', () => components.scan(types, position));
    if (scan === undefined) break;
    for (const event of scan.events) {
      await persist(event.type, () => handleOnce(init, components, key, event));
      if (isOver(signal)) return;
      notedAt = event.seq;
    }
    position = Math.max(position, scan.scannedTo);
    if (position - notedAt >= NOTE_POSITION_EVERY) {
      const reached = position;
      await persist('note position', () => components.transact(async (tx) => tx.setCounter(key, reached)));
      notedAt = reached;
    }
    if (position >= components.last()) await components.wakeUp.next(signal);
  }
}

async function handleOnce(
  init: ConsumerInit,
  components: ConsumerComponents,
  key: string,
  event: StoredEvent,
): Promise<void> {
  await components.transact(async (tx) => {
    // An earlier try may have been committed although its answer was lost.
    if ((await tx.counter(key)) >= event.seq) return;
    await init.handle(event, tx);
    tx.setCounter(key, event.seq);
  });
}

/** Tries until it works; undefined when the signal aborted before. */
async function untilDone<R>(
  work: () => Promise<R>,
  signal: AbortSignal,
  clock: Clock,
  onError: (error: unknown, attempt: number) => void,
): Promise<R | undefined> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (isOver(signal)) return undefined;
      onError(error, attempt);
      await delay(clock, backoffMs(RETRY, attempt), signal).catch(() => undefined);
    }
  }
  return undefined;
}

/** A call, because the compiler takes a property that it has seen false to stay so. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
