import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type {
  Bucket,
  EventLog,
  EventQuery,
  IndexQuery,
  ListOptions,
  Store,
  StoredEvent,
  Transaction,
} from '../interface/store.ts';
import { Committer } from './committer.ts';
import { runConsumer } from './consumer.ts';
import type { Draft } from './draft.ts';
import { parseCounter, type CommitEntry } from './entries.ts';
import { StoreError } from './errors.ts';
import { queryEvents, scanEvents } from './event-log.ts';
import { forgetEvents, oldestEvent } from './forget-events.ts';
import { consumerKey, recordKey } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import { StoredOutbox } from './outbox.ts';
import { countByIndex, listRaw, valueOf } from './records.ts';
import { OpenTransaction } from './transaction.ts';
import { WakeUp } from './wake-up.ts';

const MAX_ATTEMPTS = 1_000;

/** The storage below the books: where they are, and how they are opened and known to be whole. */
export interface Backend {
  /** Only while it is open. */
  readonly kv: Kv;
  /** Opens the books and returns the newest commit; throws StoreError when they are not as they were left. */
  open(): Promise<CommitEntry>;
  close(): Promise<void>;
  /** Told of each durable commit before it is acknowledged. */
  witness(commit: CommitEntry): void;
}

/** What the store stands on. */
export interface BooksComponents {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Transactions, events and outbox over any ordered key-value store. */
export class Books implements Store {
  readonly events: EventLog;
  readonly outbox: StoredOutbox;
  readonly #components: BooksComponents;
  readonly #consumers = new Map<string, () => Promise<void>>();
  #open: { committer: Committer; wakeUp: WakeUp } | undefined;

  constructor(components: BooksComponents) {
    this.#components = components;
    this.outbox = new StoredOutbox(() => this.#kv());
    this.events = {
      last: () => this.#opened().committer.last.events,
      oldest: async () => (await oldestEvent(this.#kv())) ?? this.events.last() + 1,
      forget: (before) => this.#forget(before),
      query: async (query) => queryEvents(this.#kv(), query, this.events.last()),
      follow: (query, signal) => this.#follow(query, signal),
      consume: (name, types, handle) => this.#consume(name, types, handle),
    };
  }

  async start(): Promise<void> {
    const { backend, clock, logger } = this.#components;
    const last = await backend.open();
    const wakeUp = new WakeUp();
    const committer = new Committer(last, {
      kv: backend.kv,
      clock,
      logger,
      witness: (commit) => backend.witness(commit),
      onCommit: (peers) => {
        wakeUp.wake();
        if (peers.length > 0) this.outbox.announce(peers);
      },
    });
    this.#open = { committer, wakeUp };
  }

  async stop(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await Promise.all([...this.#consumers.values()].map((stop) => stop()));
    this.#open = undefined;
    open.wakeUp.close();
    await open.committer.idle();
    await this.#components.backend.close();
  }

  async get<T>(bucket: Bucket<T>, id: string): Promise<T | undefined> {
    const key = recordKey(bucket.name, id);
    const [raw] = await this.#kv().getMany([key]);
    return raw === undefined ? undefined : valueOf(bucket, key, raw);
  }

  async list<T>(bucket: Bucket<T>, options: ListOptions = {}): Promise<{ id: string; value: T }[]> {
    const found = await listRaw(this.#kv(), bucket.name, options);
    return found.map(({ id, raw }) => ({ id, value: valueOf(bucket, recordKey(bucket.name, id), raw) }));
  }

  async count<T>(bucket: Bucket<T>, where: IndexQuery, atMost?: number): Promise<number> {
    return countByIndex(this.#kv(), bucket.name, where, atMost);
  }

  transact<R>(work: (tx: Transaction) => Promise<R>): Promise<R> {
    return this.#transact(work);
  }

  async #transact<R>(work: (tx: OpenTransaction) => Promise<R>): Promise<R> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const tx = new OpenTransaction(this.#kv());
      const result = await work(tx);
      const draft = await draftOf(tx, attempt);
      if (draft !== undefined && (await this.#opened().committer.commit(draft))) return result;
    }
    throw new StoreError(
      'ERR_STORE_CONFLICT',
      `The transaction was overtaken ${MAX_ATTEMPTS} times; try again later`,
    );
  }

  async #forget(before: number): Promise<number> {
    // One that stands still keeps what it has not had yet, whatever its age.
    const positions = await Promise.all([...this.#consumers.keys()].map((name) => this.#positionOf(name)));
    const upTo = Math.min(this.events.last(), ...positions);
    return this.#transact((tx) => forgetEvents(this.#kv(), tx, { before, upTo }));
  }

  async #positionOf(consumer: string): Promise<number> {
    const key = consumerKey(consumer);
    const [raw] = await this.#kv().getMany([key]);
    return raw === undefined ? 0 : parseCounter(key, raw);
  }

  async *#follow(query: EventQuery, signal: AbortSignal): AsyncIterable<StoredEvent> {
    const { wakeUp, committer } = this.#opened();
    const { kv } = this.#components.backend;
    const over = (): boolean => signal.aborted || wakeUp.closed;
    let after = query.after ?? 0;
    let left = query.limit ?? Infinity;
    while (!over() && left > 0) {
      // A slow reader holds one page; the rest waits on disk.
      const scan = await scanEvents(kv, query, after, committer.last.events).catch((error: unknown) => {
        if (!over()) throw error;
        return undefined;
      });
      for (const event of scan?.events ?? []) {
        if (over() || left <= 0) return;
        left -= 1;
        yield event;
      }
      after = Math.max(after, scan?.scannedTo ?? 0);
      if (left > 0 && after >= committer.last.events) await wakeUp.next(signal);
    }
  }

  #consume(
    name: string,
    types: readonly string[],
    handle: Parameters<EventLog['consume']>[2],
  ): () => Promise<void> {
    const { wakeUp } = this.#opened();
    if (this.#consumers.has(name))
      throw new StoreError('ERR_STORE_EXISTS', `The consumer ${name} runs already`, { name });
    const abort = new AbortController();
    const { clock, logger } = this.#components;
    const done = runConsumer(
      { name, types, handle },
      {
        clock,
        logger,
        wakeUp,
        last: () => this.events.last(),
        scan: (wanted, after) => scanEvents(this.#kv(), { types: wanted }, after, this.events.last()),
        transact: (work) => this.#transact(work),
      },
      abort.signal,
    );
    const stop = async (): Promise<void> => {
      abort.abort();
      await done;
      this.#consumers.delete(name);
    };
    this.#consumers.set(name, stop);
    return stop;
  }

  #opened(): { committer: Committer; wakeUp: WakeUp } {
    if (this.#open === undefined) throw new StoreError('ERR_STORE_CLOSED', 'The store is not open');
    return this.#open;
  }

  #kv(): Kv {
    this.#opened();
    return this.#components.backend.kv;
  }
}

/** Undefined when it was overtaken: what it makes may then be there because of that, and is no fault of its own. */
async function draftOf(tx: OpenTransaction, attempt: number): Promise<Draft | undefined> {
  try {
    return await tx.draft(attempt);
  } catch (error) {
    if (await tx.isOvertaken()) return undefined;
    throw error;
  }
}
