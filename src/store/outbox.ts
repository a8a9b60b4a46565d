import type { Outbox, PendingMessage, Transaction } from '../interface/store.ts';
import { parseMessage } from './entries.ts';
import { StoreError } from './errors.ts';
import { OUTBOX_PREFIX, outboxKey, outboxPrefix, pastPrefix, rangeOf } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import { OpenTransaction } from './transaction.ts';

/** Messages that wait for their answer, read from the books at each call. */
export class StoredOutbox implements Outbox {
  readonly #kv: () => Kv;
  readonly #listeners = new Set<(peerIds: readonly string[]) => void>();

  constructor(kv: () => Kv) {
    this.#kv = kv;
  }

  async peers(): Promise<string[]> {
    const found: string[] = [];
    const { gte, lt } = rangeOf(OUTBOX_PREFIX);
    let from = gte;
    // One look at each peer's oldest message, then past all of that peer's.
    for (;;) {
      const message = await this.#first(from, lt);
      if (message === undefined) return found;
      found.push(message.peerId);
      from = pastPrefix(outboxPrefix(message.peerId));
    }
  }

  next(peerId: string): Promise<PendingMessage | undefined> {
    const { gte, lt } = rangeOf(outboxPrefix(peerId));
    return this.#first(gte, lt);
  }

  settle(tx: Transaction, message: PendingMessage): void {
    if (!(tx instanceof OpenTransaction)) {
      throw new StoreError(
        'ERR_STORE_VALUE',
        'A message is settled in a transaction of the store that holds it',
      );
    }
    tx.settle(outboxKey(message.peerId, message.sequence));
  }

  onAdded(listener: (peerIds: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(peerIds: readonly string[]): void {
    for (const listener of this.#listeners) listener(peerIds);
  }

  async #first(gte: string, lt: string): Promise<PendingMessage | undefined> {
    for await (const [key, raw] of this.#kv().iterate({ gte, lt, limit: 1 })) return parseMessage(key, raw);
    return undefined;
  }
}
