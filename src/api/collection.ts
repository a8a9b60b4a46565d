import type { Bucket, Reader } from '../interface/index.ts';

export interface CollectionQuery {
  /** The id of the last item of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** Field → value that it must have; fields left undefined do not filter. */
  readonly where?: Readonly<Record<string, string | undefined>>;
}

export interface CollectionPage<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
}

/** Records of one kind, newest id first. */
export interface Collection<T> {
  get(id: string): Promise<T | undefined>;
  list(query: CollectionQuery): Promise<CollectionPage<T>>;
}

type Fields<T> = Readonly<Record<string, (value: T) => string | undefined>>;

const SCAN_PAGE = 256;

/**
 * Shows a bucket as a collection. `fields` are the filters; one that is also an index of the bucket, under the same
 * name or the one that `indexes` gives, is looked up there, the others are compared record by record.
 */
export function bucketCollection<T>(
  reader: Reader,
  bucket: Bucket<T>,
  fields: Fields<T>,
  indexes: Readonly<Record<string, string>> = {},
): Collection<T> {
  const indexOf = (field: string): string | undefined => {
    const name = indexes[field] ?? field;
    return bucket.indexes?.[name] === undefined ? undefined : name;
  };
  return {
    get: (id) => reader.get(bucket, id),
    list: async ({ after, limit, where = {} }) => {
      const asked = Object.entries(where).flatMap(([name, value]) =>
        value === undefined ? [] : [{ name, value }],
      );
      const indexed = asked.find(({ name }) => indexOf(name) !== undefined);
      const fits = (value: T): boolean =>
        asked.every((filter) => filter === indexed || fields[filter.name]?.(value) === filter.value);
      const pageSize = asked.every((filter) => filter === indexed) ? limit + 1 : SCAN_PAGE;
      const found: { id: string; value: T }[] = [];
      let cursor = after;
      // One more than asked for tells whether a next page exists.
      while (found.length <= limit) {
        const page = await reader.list(bucket, {
          limit: pageSize,
          reverse: true,
          ...(cursor !== undefined && { after: cursor }),
          ...(indexed && { where: { index: indexOf(indexed.name) ?? indexed.name, equals: indexed.value } }),
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
