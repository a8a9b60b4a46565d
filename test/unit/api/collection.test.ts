import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { bucketCollection } from '../../../src/api/collection.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { looseBucket } from './support/fakes.ts';

interface Thing {
  readonly id: string;
  readonly colour: string;
  readonly size: string;
  readonly shape: string;
}

const fields = {
  colour: (thing: Thing) => thing.colour,
  size: (thing: Thing) => thing.size,
  shape: (thing: Thing) => thing.shape,
};

test('pages hold every record that fits, once, newest first, whether a filter is an index or not', async () => {
  const bucket = looseBucket<Thing>('things', {
    ofColour: (thing) => [thing.colour],
    size: (thing) => [thing.size],
  });
  const letter = fc.constantFrom('a', 'b');
  const things = fc.uniqueArray(fc.record({ id: fc.uuid(), colour: letter, size: letter, shape: letter }), {
    selector: ({ id }) => id,
    maxLength: 40,
  });
  const where = fc.record({
    colour: fc.option(letter, { nil: undefined }),
    size: fc.option(letter, { nil: undefined }),
    shape: fc.option(letter, { nil: undefined }),
  });
  const property = fc.asyncProperty(
    things,
    where,
    fc.integer({ min: 1, max: 7 }),
    async (all, asked, limit) => {
      const store = memoryStore();
      await store.start();
      await store.transact(async (tx) => all.forEach((thing) => tx.put(bucket, thing.id, thing)));
      const collection = bucketCollection(store, bucket, fields, { colour: 'ofColour' });
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const { items, next } = await collection.list({ limit, after, where: asked });
        expect(items.length).toBeLessThanOrEqual(limit);
        seen.push(...items.map(({ id }) => id));
        after = next;
      } while (after !== undefined);
      const fits = all.filter(
        (thing) =>
          [undefined, thing.colour].includes(asked.colour) &&
          [undefined, thing.size].includes(asked.size) &&
          [undefined, thing.shape].includes(asked.shape),
      );
      expect(seen).toEqual(
        fits
          .map(({ id }) => id)
          .sort()
          .reverse(),
      );
      await store.stop();
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('of two filters by index the one that finds fewer is followed, wherever it stands', async () => {
  const bucket = looseBucket<Thing>('things', {
    colour: ({ colour }) => [colour],
    size: ({ size }) => [size],
  });
  const store = memoryStore();
  await store.start();
  await store.transact(async (tx) => {
    for (let number = 0; number < 1_500; number += 1) {
      const thing = { id: String(number), colour: 'all', size: number === 3 ? 'rare' : 'usual', shape: '' };
      tx.put(bucket, thing.id, thing);
    }
  });
  const list = vi.spyOn(store, 'list');
  const { items } = await bucketCollection(store, bucket, fields).list({
    limit: 10,
    where: { colour: 'all', size: 'rare' },
  });
  expect(items.map(({ id }) => id)).toEqual(['3']);
  expect(list).toHaveBeenCalledTimes(1);
  expect(list.mock.lastCall?.[1]?.where).toEqual({ index: 'size', equals: 'rare' });
  await store.stop();
});
