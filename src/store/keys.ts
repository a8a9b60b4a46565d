import { StoreError } from './errors.ts';
import { shorten } from '../util/shorten.ts';
import type { KvRange } from './kv/kv.ts';

/**
 * The layout of the database. Segments are joined by NUL, which no segment holds, so a prefix range is exact.
 *
 *   m <name>                        the commit record, schema version
 *   r <bucket> <id>                 records
 *   i <bucket> <index> <value> <id> index entries
 *   e <seq>                         events
 *   s <subject> <seq>               events by subject
 *   o <peerId> <sequence>           outbox
 *   p <peerId>                      last sequence given to a peer
 *   c <consumer>                    position of a durable consumer
 */
const SEPARATOR = '\0';
const AFTER_SEPARATOR = '\x01';
const MAX_SEGMENT_CHARS = 1024;

/** The only key that each commit writes: the newest one's number, sums and time. */
export const COMMIT_KEY = join('m', 'commit');
export const META_KEY = join('m', 'meta');

export const recordKey = (bucket: string, id: string): string => join('r', segment(bucket), segment(id));
export const recordPrefix = (bucket: string): string => prefix('r', segment(bucket));
export const indexKey = (bucket: string, [index, value]: IndexTerm, id: string): string =>
  join('i', bucket, segment(index), segmentOrEmpty(value), id);
export const indexPrefix = (bucket: string, [index, value]: IndexTerm): string =>
  prefix('i', segment(bucket), segment(index), segmentOrEmpty(value));
export const eventKey = (seq: number): string => join('e', digits(seq));
export const EVENT_PREFIX = prefix('e');
export const subjectKey = (subject: string, seq: number): string => join('s', segment(subject), digits(seq));
export const subjectPrefix = (subject: string): string => prefix('s', segment(subject));
export const outboxKey = (peerId: string, sequence: number): string =>
  join('o', segment(peerId), digits(sequence));
export const outboxPrefix = (peerId: string): string => prefix('o', segment(peerId));
export const OUTBOX_PREFIX = prefix('o');
export const peerKey = (peerId: string): string => join('p', segment(peerId));
export const consumerKey = (name: string): string => join('c', segment(name));

/** `[index, value]`: under which value of which index a record is found. */
export type IndexTerm = readonly [index: string, value: string];

/** What a key ends in: the id, or the number, of what it stands for. */
export function lastSegment(key: string): string {
  return key.slice(key.lastIndexOf(SEPARATOR) + 1);
}

/** All keys that begin with `start`, which ends in a separator. */
export function rangeOf(start: string): Required<Pick<KvRange, 'gte' | 'lt'>> {
  return { gte: start, lt: pastPrefix(start) };
}

/** The least key that is greater than all keys that begin with `start`. */
export function pastPrefix(start: string): string {
  return start.slice(0, -1) + AFTER_SEPARATOR;
}

function join(...segments: string[]): string {
  return segments.join(SEPARATOR);
}

function prefix(...segments: string[]): string {
  return join(...segments, '');
}

function digits(value: number): string {
  return String(value).padStart(16, '0');
}

function segment(text: string): string {
  if (text === '') throw new StoreError('ERR_STORE_KEY', 'An id may not be empty');
  return segmentOrEmpty(text);
}

function segmentOrEmpty(text: string): string {
  // Lone surrogates all encode to the same bytes, so two ids would become one.
  if (text.length > MAX_SEGMENT_CHARS || text.includes(SEPARATOR) || !text.isWellFormed()) {
    throw new StoreError('ERR_STORE_KEY', `Not usable as an id: ${shorten(text)}`);
  }
  return text;
}
