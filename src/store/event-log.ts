import type { EventQuery, StoredEvent } from '../interface/store.ts';
import { parseEvent } from './entries.ts';
import { EVENT_PREFIX, eventKey, lastSegment, pastPrefix, subjectKey, subjectPrefix } from './keys.ts';
import type { Kv } from './kv/kv.ts';

const PAGE = 256;

/** Events that match, and the last position looked at: nothing up to there needs to be looked at again. */
export interface Scan {
  readonly events: StoredEvent[];
  readonly scannedTo: number;
}

/** Which events a reader wants; all without either. */
export type EventFilter = Pick<EventQuery, 'types' | 'subject'>;

/** Looks at up to `PAGE` events after `after`, up to `upTo`. */
export async function scanEvents(kv: Kv, filter: EventFilter, after: number, upTo: number): Promise<Scan> {
  const scan =
    filter.subject === undefined
      ? await scanAll(kv, after, upTo)
      : await scanSubject(kv, filter.subject, after, upTo);
  const { types } = filter;
  return types === undefined
    ? scan
    : { ...scan, events: scan.events.filter((event) => types.includes(event.type)) };
}

async function scanAll(kv: Kv, after: number, upTo: number): Promise<Scan> {
  const events: StoredEvent[] = [];
  const range = {
    gt: eventKey(after),
    lt: pastPrefix(EVENT_PREFIX),
    limit: Math.min(PAGE, Math.max(0, upTo - after)),
  };
  for await (const [key, raw] of kv.iterate(range)) events.push(parseEvent(key, raw));
  return { events, scannedTo: events.at(-1)?.seq ?? upTo };
}

async function scanSubject(kv: Kv, subject: string, after: number, upTo: number): Promise<Scan> {
  const sequences: number[] = [];
  const range = { gt: subjectKey(subject, after), lt: pastPrefix(subjectPrefix(subject)), limit: PAGE };
  for await (const [key] of kv.iterate(range)) sequences.push(Number(lastSegment(key)));
  const keys = sequences.filter((seq) => seq <= upTo).map(eventKey);
  const raws = await kv.getMany(keys);
  const events = keys.flatMap((key, at) => {
    const raw = raws[at];
    return raw === undefined ? [] : [parseEvent(key, raw)];
  });
  return { events, scannedTo: sequences.length < PAGE ? upTo : (events.at(-1)?.seq ?? upTo) };
}

/** Past events up to `last`, read in pages until `query.limit` match. */
export async function queryEvents(kv: Kv, query: EventQuery, last: number): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  const limit = query.limit ?? Infinity;
  let after = query.after ?? 0;
  while (after < last && found.length < limit) {
    const scan = await scanEvents(kv, query, after, last);
    found.push(...scan.events);
    after = scan.scannedTo;
  }
  return found.slice(0, limit);
}
