import { parseEvent } from './entries.ts';
import { EVENT_PREFIX, rangeOf, subjectKey } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import type { OpenTransaction } from './transaction.ts';

const PAGE = 256;

/** Position of the oldest event that is there; undefined when there is none. */
export async function oldestEvent(kv: Kv): Promise<number | undefined> {
  for await (const [key, raw] of kv.iterate({ ...rangeOf(EVENT_PREFIX), limit: 1 }))
    return parseEvent(key, raw).seq;
  return undefined;
}

/** Removes some of the oldest events: those up to position `upTo` that were made before `before`. How many it were. */
export async function forgetEvents(
  kv: Kv,
  tx: OpenTransaction,
  { before, upTo }: { readonly before: number; readonly upTo: number },
): Promise<number> {
  let forgotten = 0;
  for await (const [key, raw] of kv.iterate({ ...rangeOf(EVENT_PREFIX), limit: PAGE })) {
    const { seq, at, subject } = parseEvent(key, raw);
    if (seq > upTo || at >= before) break;
    tx.remove(key);
    tx.remove(subjectKey(subject, seq));
    forgotten += 1;
  }
  return forgotten;
}
