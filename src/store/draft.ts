import type { OutboxMessage } from '../interface/store.ts';
import type { IndexTerm } from './keys.ts';

/** A record to be written, or deleted when `text` is undefined. */
export interface RecordWrite {
  readonly bucket: string;
  readonly id: string;
  readonly text: string | undefined;
  readonly terms: readonly IndexTerm[];
}

/** An event to be made; `seq` and time come with the commit. `dataText` is its data as JSON. */
export interface EventWrite {
  readonly type: string;
  readonly subject: string;
  readonly dataText: string;
}

/** What a transaction wants: committed only if everything in `reads` still stands as it was read. */
export interface Draft {
  /** Key → what stood there, undefined for nothing. Holds every key in `records` and `others`. */
  readonly reads: ReadonlyMap<string, string | undefined>;
  readonly records: ReadonlyMap<string, RecordWrite>;
  /** Payloads of keys that are no records; undefined deletes. */
  readonly others: ReadonlyMap<string, string | undefined>;
  readonly events: readonly EventWrite[];
  readonly messages: readonly OutboxMessage[];
  /** How often the transaction was tried before. */
  readonly attempt: number;
}
