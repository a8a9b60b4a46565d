import type { Bucket, JsonValue, ListOptions, OutboxMessage, Transaction } from '../interface/store.ts';
import type { Draft, EventWrite, RecordWrite } from './draft.ts';
import { decodeEntry } from './entry.ts';
import { parseCounter } from './entries.ts';
import { StoreError } from './errors.ts';
import { outboxPrefix, recordKey, subjectPrefix } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import { checkValue, hasTerm, jsonText, listRaw, termsOf, valueOf } from './records.ts';

/** Gathers what one run of a unit of work reads and writes; nothing reaches the disk from here. */
export class OpenTransaction implements Transaction {
  readonly #kv: Kv;
  readonly #reads = new Map<string, string | undefined>();
  /** Records that `list` returned: they count as read only if they are then written. */
  readonly #listed = new Map<string, string>();
  readonly #records = new Map<string, RecordWrite>();
  readonly #others = new Map<string, string | undefined>();
  readonly #mustWait = new Set<string>();
  readonly #events: EventWrite[] = [];
  readonly #messages: OutboxMessage[] = [];

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  async get<T>(bucket: Bucket<T>, id: string): Promise<T | undefined> {
    const key = recordKey(bucket.name, id);
    const write = this.#records.get(key);
    if (write !== undefined)
      return write.text === undefined ? undefined : checkValue(bucket, id, JSON.parse(write.text));
    const raw = await this.#read(key);
    return raw === undefined ? undefined : valueOf(bucket, key, raw);
  }

  async list<T>(bucket: Bucket<T>, options: ListOptions = {}): Promise<{ id: string; value: T }[]> {
    const own = [...this.#records.values()].filter((write) => write.bucket === bucket.name);
    const limit = options.limit ?? Infinity;
    const wider = options.limit === undefined ? options : { ...options, limit: limit + own.length };
    const found = (await listRaw(this.#kv, bucket.name, wider)).flatMap(({ id, raw }) => {
      const key = recordKey(bucket.name, id);
      if (this.#records.has(key)) return [];
      this.#listed.set(key, raw);
      return [{ id, value: valueOf(bucket, key, raw) }];
    });
    for (const { id, text, terms } of own) {
      if (text !== undefined && isAsked(id, terms, options))
        found.push({ id, value: checkValue(bucket, id, JSON.parse(text)) });
    }
    const direction = options.reverse === true ? -1 : 1;
    return found.sort((a, b) => direction * compareIds(a.id, b.id)).slice(0, limit);
  }

  put<T>(bucket: Bucket<T>, id: string, value: T): void {
    const text = jsonText(value, `${bucket.name} ${id}`);
    // What will be read back is checked, not what was handed in: JSON drops and changes things.
    const checked = checkValue(bucket, id, JSON.parse(text));
    this.#write({ bucket: bucket.name, id, text, terms: termsOf(bucket, checked) });
  }

  delete<T>(bucket: Bucket<T>, id: string): void {
    this.#write({ bucket: bucket.name, id, text: undefined, terms: [] });
  }

  emit(event: { type: string; subject: string; data: JsonValue }): void {
    subjectPrefix(event.subject);
    this.#events.push({
      type: event.type,
      subject: event.subject,
      dataText: jsonText(event.data, `event ${event.type}`),
    });
  }

  send(message: OutboxMessage): void {
    outboxPrefix(message.peerId);
    const { id, peerId, protocol, kind, body, expiresAt } = message;
    jsonText(body, `message ${id}`);
    this.#messages.push({ id, peerId, protocol, kind, body: structuredClone(body), expiresAt });
  }

  /** Deletes an outbox entry, which must still be there at commit. */
  settle(key: string): void {
    this.remove(key);
    this.#mustWait.add(key);
  }

  /** A number that stands under a key of its own; 0 when there is none. */
  async counter(key: string): Promise<number> {
    const raw = await this.#read(key);
    return raw === undefined ? 0 : parseCounter(key, raw);
  }

  setCounter(key: string, value: number): void {
    this.setPayload(key, String(value));
  }

  /** Writes under a key that is no record's. */
  setPayload(key: string, payload: string): void {
    this.#others.set(key, payload);
  }

  /** Deletes under a key that is no record's. */
  remove(key: string): void {
    this.#others.set(key, undefined);
  }

  /** Reads what was written without having been read, so that the commit can tell whether it still stands. */
  async draft(attempt: number): Promise<Draft> {
    for (const [key, write] of this.#records) {
      const listed = this.#listed.get(key);
      if (!this.#reads.has(key) && listed !== undefined) this.#reads.set(key, listed);
      if (this.#reads.has(key)) continue;
      const raw = await this.#read(key);
      if (raw !== undefined && write.text !== undefined) {
        throw new StoreError(
          'ERR_STORE_EXISTS',
          `There is a record ${write.bucket} ${write.id} already; read it before changing it`,
          {
            bucket: write.bucket,
            id: write.id,
          },
        );
      }
    }
    for (const key of this.#others.keys()) {
      const raw = await this.#read(key);
      if (raw === undefined && this.#mustWait.has(key)) {
        throw new StoreError(
          'ERR_STORE_NOT_PENDING',
          `The message ${key.replaceAll('\0', ' ')} does not wait any more`,
        );
      }
    }
    return {
      reads: this.#reads,
      records: this.#records,
      others: this.#others,
      events: this.#events,
      messages: this.#messages,
      attempt,
    };
  }

  /** What it has read is not what is there now. */
  async isOvertaken(): Promise<boolean> {
    const keys = [...this.#reads.keys()];
    const raws = await this.#kv.getMany(keys);
    return keys.some((key, at) => raws[at] !== this.#reads.get(key));
  }

  #write(write: RecordWrite): void {
    this.#records.set(recordKey(write.bucket, write.id), write);
  }

  async #read(key: string): Promise<string | undefined> {
    if (this.#reads.has(key)) return this.#reads.get(key);
    const [raw] = await this.#kv.getMany([key]);
    if (raw !== undefined) decodeEntry(key, raw);
    // Another call of this transaction may have read it meanwhile; the first answer stays.
    if (!this.#reads.has(key)) this.#reads.set(key, raw);
    return this.#reads.get(key);
  }
}

function isAsked(id: string, terms: RecordWrite['terms'], options: ListOptions): boolean {
  if (options.where !== undefined && !hasTerm(terms, [options.where.index, options.where.equals]))
    return false;
  if (options.after === undefined) return true;
  const order = compareIds(id, options.after);
  return options.reverse === true ? order < 0 : order > 0;
}

/** As the database sorts: by UTF-8 bytes. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
