/** `undefined` deletes the key. */
export type KvWrites = ReadonlyMap<string, string | undefined>;

/** Keys between the bounds, in order or reversed; without bounds, all. */
export interface KvRange {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Ordered key-value pairs, sorted by the UTF-8 bytes of the key: all that the store asks of what lies below it. */
export interface Kv {
  open(): Promise<void>;
  close(): Promise<void>;
  /** Values in the order of `keys`, all of one moment. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** Atomic; durable when it resolves. */
  write(writes: KvWrites): Promise<void>;
  /** Pairs as they were at one moment during the call of the first `next`. */
  iterate(range: KvRange): AsyncIterable<[key: string, value: string]>;
  /** Gives the room back that deleted pairs still take; whoever reads and writes goes on meanwhile. */
  compact(): Promise<void>;
}
