import type { Accumulator } from './accumulator.ts';
import type { Draft, RecordWrite } from './draft.ts';
import { encodeEntry } from './entry.ts';
import { parseCounter, parseRecord } from './entries.ts';
import { eventKey, indexKey, outboxKey, peerKey, subjectKey } from './keys.ts';
import { hasTerm } from './records.ts';

/** Entries whose key says all. */
const NO_PAYLOAD = '';

/** Turns drafts into the writes of one commit, each seeing what those before it do. */
export class BatchBuilder {
  readonly writes = new Map<string, string | undefined>();
  readonly peers = new Set<string>();
  readonly #current: Map<string, string | undefined>;
  readonly #commit: number;
  readonly #at: number;
  readonly #totals: Accumulator;
  #events: number;

  /** `current` holds what stands under every key that the drafts read, and the counters of `peers`. */
  constructor(init: {
    current: Map<string, string | undefined>;
    commit: number;
    at: number;
    events: number;
    totals: Accumulator;
  }) {
    this.#current = init.current;
    this.#commit = init.commit;
    this.#at = init.at;
    this.#events = init.events;
    this.#totals = init.totals;
  }

  /** Sequence number of the newest event. */
  get events(): number {
    return this.#events;
  }

  /** Whether all that the draft read still stands. */
  stands(draft: Draft): boolean {
    for (const [key, raw] of draft.reads) if (this.#current.get(key) !== raw) return false;
    return true;
  }

  apply(draft: Draft): void {
    for (const [key, write] of draft.records) this.#applyRecord(key, write);
    for (const [key, payload] of draft.others) this.replace(key, payload);
    for (const { type, subject, dataText } of draft.events) {
      this.#events += 1;
      const head = JSON.stringify({ seq: this.#events, at: this.#at, type, subject });
      this.replace(eventKey(this.#events), `${head.slice(0, -1)},"data":${dataText}}`);
      this.replace(subjectKey(subject, this.#events), NO_PAYLOAD);
    }
    for (const message of draft.messages) {
      const counter = peerKey(message.peerId);
      const last = this.#current.get(counter);
      const sequence = (last === undefined ? 0 : parseCounter(counter, last)) + 1;
      this.replace(counter, String(sequence));
      this.replace(outboxKey(message.peerId, sequence), JSON.stringify({ ...message, sequence }));
      this.peers.add(message.peerId);
    }
  }

  /** Writes, or deletes when there is no payload. What stood there is in `current`, or was written here. */
  replace(key: string, payload: string | undefined): void {
    const before = this.#current.get(key);
    const after = payload === undefined ? undefined : encodeEntry(key, payload);
    if (before !== undefined) this.#totals.remove(key, before);
    if (after !== undefined) this.#totals.add(key, after);
    this.#current.set(key, after);
    this.writes.set(key, after);
  }

  #applyRecord(key: string, write: RecordWrite): void {
    const before = this.#current.get(key);
    const oldTerms = before === undefined ? [] : parseRecord(key, before).ix;
    for (const term of oldTerms) {
      if (hasTerm(write.terms, term)) continue;
      const index = indexKey(write.bucket, term, write.id);
      this.#current.set(index, encodeEntry(index, NO_PAYLOAD));
      this.replace(index, undefined);
    }
    for (const term of write.terms) {
      if (!hasTerm(oldTerms, term)) this.replace(indexKey(write.bucket, term, write.id), NO_PAYLOAD);
    }
    if (write.text === undefined && before === undefined) return;
    this.replace(
      key,
      write.text === undefined
        ? undefined
        : `{"rev":${this.#commit},"ix":${JSON.stringify(write.terms)},"v":${write.text}}`,
    );
  }
}
