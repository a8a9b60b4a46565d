import type { Startable } from './startable.ts';

/** What a record, an event or an outbox message may hold: plain JSON. Amounts of money are decimal strings. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * A typed collection of records. `check` is run on every value read from disk and before every write;
 * it throws when the value is not a T. `indexes` name secondary keys: several records may share one.
 */
export interface Bucket<T> {
  readonly name: string;
  readonly check: (value: unknown) => T;
  readonly indexes?: Readonly<Record<string, (value: T) => readonly string[]>>;
}

/** Records whose index `index` holds `equals`. */
export interface IndexQuery {
  readonly index: string;
  readonly equals: string;
}

/** Which records of a bucket. */
export interface ListOptions {
  /** Only these. */
  readonly where?: IndexQuery;
  /** Start after this id (exclusive): the cursor of the previous page. */
  readonly after?: string;
  readonly limit?: number;
  /** Newest id first, where ids sort by time. */
  readonly reverse?: boolean;
}

/** A read view of the committed state. */
export interface Reader {
  /** @throws StoreError ERR_STORE_DAMAGED, ERR_STORE_VALUE when what is on disk is not what was written, or no T */
  get<T>(bucket: Bucket<T>, id: string): Promise<T | undefined>;
  list<T>(bucket: Bucket<T>, options?: ListOptions): Promise<{ id: string; value: T }[]>;
}

/** One thing that happened. `seq` is the total order of this node's events, without gaps from the oldest that is kept. */
export interface StoredEvent {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Dotted, past tense: `agreement.approved`, `activity.state-changed`. */
  readonly type: string;
  /** The id of the thing that changed (an agreementId, an activityId, a taskId …). */
  readonly subject: string;
  readonly data: JsonValue;
}

/** A message that must arrive: kept until the peer has answered it, in order per peer. */
export interface OutboxMessage {
  /** Unique; the receiver treats a repeated id as the same request. */
  readonly id: string;
  /** PeerId of the receiver. */
  readonly peerId: string;
  readonly protocol: string;
  /** The request kind of the protocol. */
  readonly kind: string;
  readonly body: JsonValue;
  /** After this time (ms epoch) delivery is given up, and an `outbox.expired` event says so. */
  readonly expiresAt: number;
}

/**
 * A unit of work. What was read with `get` is checked again at commit: if another transaction changed it,
 * the function is run anew. `put` of a record that was not read in this transaction requires that it does
 * not exist yet. All of it lands in one atomic, synced batch, or nothing does.
 */
export interface Transaction extends Reader {
  put<T>(bucket: Bucket<T>, id: string, value: T): void;
  delete<T>(bucket: Bucket<T>, id: string): void;
  /** Adds an event; it gets its `seq` and its time at commit. */
  emit(event: { type: string; subject: string; data: JsonValue }): void;
  /** Puts a message into the outbox. */
  send(message: OutboxMessage): void;
}

/** Which events. */
export interface EventQuery {
  /** Events with `seq` greater than this. */
  readonly after?: number;
  readonly types?: readonly string[];
  readonly subject?: string;
  readonly limit?: number;
}

/** What has happened on this node, in order. */
export interface EventLog {
  /** The `seq` of the newest event; 0 when there is none. */
  last(): number;
  /** The `seq` of the oldest event that is kept; one past `last` when there is none. */
  oldest(): Promise<number>;
  /**
   * Removes some of the oldest events, none that was made at `before` (ms epoch) or later, and none that a running
   * consumer has not handled yet. Returns how many; 0 when there are no more to remove. Those that follow keep their `seq`.
   */
  forget(before: number): Promise<number>;
  query(query: EventQuery): Promise<StoredEvent[]>;
  /** Past events after `query.after`, then live ones, without gap or repeat, until the signal aborts. */
  follow(query: EventQuery, signal: AbortSignal): AsyncIterable<StoredEvent>;
  /**
   * A durable consumer: `handle` sees every event of `types` in order, also those of earlier runs of the node.
   * Its position is committed in the same transaction as what it writes, so the effect happens exactly once.
   * A handler that throws is retried with backoff, and logged; later events wait.
   * Returns a function that stops it and awaits the handler in flight.
   */
  consume(
    name: string,
    types: readonly string[],
    handle: (event: StoredEvent, tx: Transaction) => Promise<void>,
  ): () => Promise<void>;
}

/** A message that its receiver has not answered yet. */
export interface PendingMessage extends OutboxMessage {
  /** Per-peer sequence number, from 1. */
  readonly sequence: number;
}

/** Messages to peers, kept until they are answered. */
export interface Outbox {
  /** Peers with something waiting. */
  peers(): Promise<string[]>;
  /** Oldest waiting message of one peer. */
  next(peerId: string): Promise<PendingMessage | undefined>;
  /** Removes the message in the transaction that records its answer. */
  settle(tx: Transaction, message: PendingMessage): void;
  /** Called after each commit that added messages, with the peers concerned. Returns an unsubscribe function. */
  onAdded(listener: (peerIds: readonly string[]) => void): () => void;
}

/** The node's books: the only durable state besides the keystore, blobs and activity journals. */
export interface Store extends Startable, Reader {
  readonly events: EventLog;
  readonly outbox: Outbox;
  /** How many records there are, counted up to `atMost`. None of them is read, as `list` would. */
  count<T>(bucket: Bucket<T>, where: IndexQuery, atMost?: number): Promise<number>;
  /** Runs `work` until it commits without conflict; its only effects must go through `tx`. */
  transact<R>(work: (tx: Transaction) => Promise<R>): Promise<R>;
}
