import type { Bucket, IndexQuery, Store } from '../interface/index.ts';

/** Which page of a collection. */
export interface CollectionQuery {
  /** The id of the last item of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
  readonly oldestFirst?: boolean;
  /** Field → value that it must have; fields left undefined do not filter. */
  readonly where?: Readonly<Record<string, string | undefined>>;
}

/** One page of a collection. */
export interface CollectionPage<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
}

/** Records of one kind, newest id first unless it is asked for otherwise. */
export interface Collection<T> {
  get(id: string): Promise<T | undefined>;
  list(query: CollectionQuery): Promise<CollectionPage<T>>;
}

interface Filter {
  readonly name: string;
  readonly value: string;
}

type Fields<T> = Readonly<Record<string, (value: T) => string | undefined>>;

const SCAN_PAGE = 256;
/** An index that holds so many entries is not counted further: a page of it is full before long. */
const MANY = 1_000;

/**
 * Shows a bucket as a collection. `fields` are the filters; of those that are also an index of the bucket, under the
 * same name or the one that `indexes` gives, the one that finds the fewest is looked up there, and the others are
 * compared record by record.
 */
export function bucketCollection<T>(
  reader: Pick<Store, 'get' | 'list' | 'count'>,
  bucket: Bucket<T>,
  fields: Fields<T>,
  indexes: Readonly<Record<string, string>> = {},
): Collection<T> {
  const indexOf = (field: string): string | undefined => {
    const name = indexes[field] ?? field;
    return bucket.indexes?.[name] === undefined ? undefined : name;
  };
  const narrowest = async (
    asked: readonly Filter[],
  ): Promise<(Filter & { where: IndexQuery }) | undefined> => {
    const indexed = asked.flatMap((filter) => {
      const index = indexOf(filter.name);
      return index === undefined ? [] : [{ ...filter, where: { index, equals: filter.value } }];
    });
    if (indexed.length < 2) return indexed[0];
    const counts = await Promise.all(indexed.map(({ where }) => reader.count(bucket, where, MANY)));
    return indexed[counts.indexOf(Math.min(...counts))];
  };
  return {
    get: (id) => reader.get(bucket, id),
    list: async ({ after, limit, oldestFirst = false, where = {} }) => {
      const asked = Object.entries(where).flatMap(([name, value]) =>
        value === undefined ? [] : [{ name, value }],
      );
      const indexed = await narrowest(asked);
      const others = asked.filter(({ name }) => name !== indexed?.name);
      const fits = (value: T): boolean =>
        others.every((filter) => fields[filter.name]?.(value) === filter.value);
      const pageSize = others.length === 0 ? limit + 1 : SCAN_PAGE;
      const found: { id: string; value: T }[] = [];
      let cursor = after;
      // One more than asked for tells whether a next page exists.
      while (found.length <= limit) {
        const page = await reader.list(bucket, {
          limit: pageSize,
          reverse: !oldestFirst,
          ...(cursor !== undefined && { after: cursor }),
          ...(indexed && { where: indexed.where }),
        });
        found.push(...page.filter(({ value }) => fits(value)));
        cursor = page.at(-1)?.id;
        if (page.length < pageSize) break;
      }
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return {
        items: items.map(({ value }) => value),
        ...(found.length > limit && last !== undefined && { next: last.id }),
      };
    },
  };
}
