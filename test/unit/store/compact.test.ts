import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { idOf, items, makeItem, temporaryBooks, withStore } from '../../support/store-at.ts';

async function bytesIn(directory: string): Promise<number> {
  const files = await readdir(directory);
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size);
}

it('books that were compacted take no room for what was deleted, and are whole', async () => {
  const books = await temporaryBooks();
  const pad = (): string => randomBytes(40_000).toString('hex');
  await withStore(books.directory, async (store) => {
    for (let n = 0; n < 100; n += 1) await makeItem(store, n, 'new', pad());
    await store.transact(async (tx) => {
      for (let n = 1; n < 100; n += 1) tx.delete(items, idOf(n));
    });
    while ((await store.events.forget(Infinity)) > 0);
  });
  const before = await bytesIn(books.directory);
  await withStore(books.directory, (store) => store.compact());
  expect(await bytesIn(books.directory)).toBeLessThan(before / 4);
  await withStore(books.directory, async (store) => {
    expect((await store.list(items)).map(({ id }) => id)).toEqual([idOf(0)]);
  });
  await books.remove();
});
