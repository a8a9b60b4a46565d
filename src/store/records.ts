import type { Bucket, IndexQuery, ListOptions } from '../interface/store.ts';
import { indexPrefix, lastSegment, rangeOf, recordKey, recordPrefix, type IndexTerm } from './keys.ts';
import { parseRecord } from './entries.ts';
import { StoreError } from './errors.ts';
import type { Kv, KvRange } from './kv/kv.ts';

const PAGE = 256;

/** A record as it stands on disk: its entry, checksum included. */
export interface RawRecord {
  readonly id: string;
  readonly raw: string;
}

/** Records of a bucket as they stand on disk, in the order and range that `options` ask for. */
export async function listRaw(kv: Kv, bucketName: string, options: ListOptions): Promise<RawRecord[]> {
  if (options.where !== undefined)
    return listByIndex(kv, bucketName, [options.where.index, options.where.equals], options);
  const found: RawRecord[] = [];
  const prefix = recordPrefix(bucketName);
  const range = pageRange(prefix, options, options.limit);
  for await (const [key, raw] of kv.iterate(range)) found.push({ id: lastSegment(key), raw });
  return found;
}

async function listByIndex(
  kv: Kv,
  bucketName: string,
  term: IndexTerm,
  options: ListOptions,
): Promise<RawRecord[]> {
  const found: RawRecord[] = [];
  const limit = options.limit ?? Infinity;
  let after = options.after;
  while (found.length < limit) {
    const ids: string[] = [];
    const page = Math.min(PAGE, limit - found.length);
    const range = pageRange(indexPrefix(bucketName, term), { ...options, after }, page);
    for await (const [key] of kv.iterate(range)) ids.push(lastSegment(key));
    found.push(...(await recordsOf(kv, bucketName, ids, term)));
    after = ids.at(-1);
    if (ids.length < page) break;
  }
  return found;
}

/** The entries of an index come and go with their records, so they need only be counted. */
export async function countByIndex(
  kv: Kv,
  bucketName: string,
  { index, equals }: IndexQuery,
  atMost: number | undefined,
): Promise<number> {
  let count = 0;
  const range = pageRange(indexPrefix(bucketName, [index, equals]), {}, atMost);
  const entries = kv.iterate(range)[Symbol.asyncIterator]();
  while ((await entries.next()).done !== true) count += 1;
  return count;
}

/** A record may have changed since its index entry was read, so each is asked whether it still belongs. */
async function recordsOf(kv: Kv, bucketName: string, ids: string[], term: IndexTerm): Promise<RawRecord[]> {
  const keys = ids.map((id) => recordKey(bucketName, id));
  const raws = await kv.getMany(keys);
  return ids.flatMap((id, at) => {
    const raw = raws[at];
    const key = keys[at];
    if (raw === undefined || key === undefined) return [];
    return hasTerm(parseRecord(key, raw).ix, term) ? [{ id, raw }] : [];
  });
}

/** Whether a record is found under this value of this index. */
export function hasTerm(terms: readonly IndexTerm[], [index, value]: IndexTerm): boolean {
  return terms.some((term) => term[0] === index && term[1] === value);
}

function pageRange(
  prefix: string,
  options: { after?: string | undefined; reverse?: boolean },
  limit: number | undefined,
): KvRange {
  const { gte, lt } = rangeOf(prefix);
  const reverse = options.reverse === true;
  const bounds =
    options.after === undefined
      ? { gte, lt }
      : reverse
        ? { gte, lt: prefix + options.after }
        : { gt: prefix + options.after, lt };
  return { ...bounds, reverse, ...(limit === undefined ? {} : { limit }) };
}

/** The record's value, or ERR_STORE_VALUE when this release does not know its form. */
export function valueOf<T>(bucket: Bucket<T>, key: string, raw: string): T {
  return checkValue(bucket, lastSegment(key), parseRecord(key, raw).v);
}

/** The value, typed; throws ERR_STORE_VALUE when the bucket does not take it. */
export function checkValue<T>(bucket: Bucket<T>, id: string, value: unknown): T {
  try {
    return bucket.check(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(
      'ERR_STORE_VALUE',
      `${bucket.name} ${id}: ${why}`,
      { bucket: bucket.name, id },
      { cause },
    );
  }
}

/** JSON text of a value; throws ERR_STORE_VALUE for what JSON cannot hold. */
export function jsonText(value: unknown, what: string): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new StoreError('ERR_STORE_VALUE', `${what} cannot be written as JSON`, {}, { cause });
  }
  if (typeof text !== 'string') throw new StoreError('ERR_STORE_VALUE', `${what} cannot be written as JSON`);
  return text;
}

/** Under which values of which indexes the bucket wants it found. */
export function termsOf<T>(bucket: Bucket<T>, value: T): IndexTerm[] {
  return Object.entries(bucket.indexes ?? {}).flatMap(([index, valuesOf]) =>
    [...new Set(valuesOf(value))].map((term): IndexTerm => [index, term]),
  );
}
