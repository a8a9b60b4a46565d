import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../src/interface/store.ts';
import { checkStore, restoreStore, type Migration } from '../../../src/store/index.ts';
import { checker } from '../../../src/util/check.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { makeItem, temporaryBooks, withStore } from '../../support/store-at.ts';

/** Books of schema version 0: three items `{ n, state }`, and their events. */
const FIXTURE = new URL('../../fixtures/store-v0.backup.gz', import.meta.url).pathname;

const OldItem = checker(Type.Object({ n: Type.Integer(), state: Type.String() }), 'old item');
const oldItems: Bucket<ReturnType<typeof OldItem>> = { name: 'item', check: OldItem };
const NewItem = checker(Type.Object({ number: Type.Integer(), phase: Type.String() }), 'item');
const newItems: Bucket<ReturnType<typeof NewItem>> = {
  name: 'item',
  check: NewItem,
  indexes: { phase: (item) => [item.phase] },
};

describe('migrations', () => {
  let books: Awaited<ReturnType<typeof temporaryBooks>>;
  let runs: number[];
  const first: Migration = {
    version: 1,
    description: 'items say number and phase',
    run: async (tx) => {
      runs.push(1);
      for (const { id, value } of await tx.list(oldItems))
        tx.put(newItems, id, { number: value.n, phase: value.state });
    },
  };
  const second: Migration = {
    version: 2,
    description: 'phases are in capitals',
    run: async (tx) => {
      runs.push(2);
      for (const { id, value } of await tx.list(newItems))
        tx.put(newItems, id, { ...value, phase: value.phase.toUpperCase() });
    },
  };
  beforeEach(async () => {
    runs = [];
    books = await temporaryBooks();
    await restoreStore(FIXTURE, books.directory, {}, { clock: systemClock() });
  });
  afterEach(() => books.remove());

  it('bring the books of version 0 to the present, once, with their indexes', async () => {
    const init = { migrations: [first, second] };
    for (let opening = 0; opening < 2; opening += 1) {
      await withStore(
        books.directory,
        async (store) => {
          expect(await store.list(newItems)).toEqual([
            { id: '00000000', value: { number: 0, phase: 'NEW' } },
            { id: '00000001', value: { number: 1, phase: 'NEW' } },
            { id: '00000002', value: { number: 2, phase: 'OLD' } },
          ]);
          expect(await store.list(newItems, { where: { index: 'phase', equals: 'NEW' } })).toHaveLength(2);
          const byOldIndex = await store.list(newItems, { where: { index: 'state', equals: 'new' } });
          expect(byOldIndex).toEqual([]);
        },
        init,
      );
    }
    expect(runs).toEqual([1, 2]);
    expect(await checkStore(books.directory)).toMatchObject({ ok: true, schemaVersion: 2 });
  });

  it('go on where an earlier release stopped', async () => {
    await withStore(books.directory, async () => undefined, { migrations: [first] });
    await withStore(books.directory, async () => undefined, { migrations: [first, second] });
    expect(runs).toEqual([1, 2]);
  });

  it('that fail leave the books as they were', async () => {
    const failing: Migration = { ...second, run: () => Promise.reject(new Error('no')) };
    const start = withStore(books.directory, async () => undefined, { migrations: [first, failing] });
    await expect(start).rejects.toThrow('no');
    expect(await checkStore(books.directory)).toMatchObject({ ok: true, schemaVersion: 1 });
    await withStore(books.directory, async () => undefined, { migrations: [first, second] });
    expect(runs).toEqual([1, 2]);
  });

  it('are not run on new books, and keep an older release away from newer ones', async () => {
    const fresh = join(books.root, 'fresh');
    await withStore(fresh, (store) => makeItem(store, 1), { migrations: [first, second] });
    expect(runs).toEqual([]);
    const older = withStore(fresh, async () => undefined, { migrations: [first] });
    await expect(older).rejects.toMatchObject({ code: 'ERR_STORE_VERSION' });
    await withStore(fresh, async () => undefined, { migrations: [first, second] });
  });
});

describe('identity', () => {
  it('keeps one node away from the books of another, whatever the sentinel says', async () => {
    const books = await temporaryBooks();
    await withStore(books.directory, (store) => makeItem(store, 1), { identity: 'A' });
    await expect(withStore(books.directory, async () => undefined, { identity: 'B' })).rejects.toMatchObject({
      code: 'ERR_STORE_IDENTITY',
    });
    await withStore(books.directory, async () => undefined, { identity: 'A' });
    const other = join(books.root, 'other');
    await withStore(other, (store) => makeItem(store, 1), { identity: 'B' });
    await cp(`${other}.sentinel`, `${books.directory}.sentinel`);
    await expect(withStore(books.directory, async () => undefined, { identity: 'B' })).rejects.toMatchObject({
      code: 'ERR_STORE_IDENTITY',
    });
    await books.remove();
  });
});
