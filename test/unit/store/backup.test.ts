import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupStore, checkStore, restoreStore } from '../../../src/store/index.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { contentsOf, items, makeItem, temporaryBooks, withStore } from '../../support/store-at.ts';

describe('backup and restore', () => {
  let books: Awaited<ReturnType<typeof temporaryBooks>>;
  let backup: string;
  const components = { clock: systemClock() };
  const make = (count: number): Promise<string> =>
    withStore(books.directory, async (store) => {
      await Promise.all(Array.from({ length: count }, (_, n) => makeItem(store, n)));
      return contentsOf(store);
    });
  beforeEach(async () => {
    books = await temporaryBooks();
    backup = join(books.root, 'backup.gz');
  });
  afterEach(() => books.remove());

  it('brings everything back in another place, and goes on from there', async () => {
    const before: { items: unknown; outbox: unknown; last: number } = JSON.parse(await make(100));
    const summary = await backupStore(books.directory, backup);
    expect(summary).toMatchObject({ events: 100, schemaVersion: 0 });
    const target = join(books.root, 'elsewhere', 'store');
    await restoreStore(backup, target, {}, components);
    await withStore(target, async (store) => {
      const after: typeof before = JSON.parse(await contentsOf(store));
      expect([after.items, after.outbox]).toEqual([before.items, before.outbox]);
      expect(await store.events.query({ after: 100 })).toMatchObject([
        { type: 'store.restored', data: { commit: summary.commit } },
      ]);
      await makeItem(store, 100);
    });
    expect(await checkStore(target)).toMatchObject({
      ok: true,
      records: { item: 101 },
      waiting: 101,
      events: 102,
    });
  });

  it('catches one moment of books that go on being written', async () => {
    await withStore(books.directory, async (store) => {
      let [writing, n] = [true, 0];
      const writer = (async () => {
        for (; writing; n += 1) await makeItem(store, n);
      })();
      const summary = await backupStore(store, backup);
      writing = false;
      await writer;
      const target = join(books.root, 'restored');
      await restoreStore(backup, target, {}, components);
      await withStore(target, async (restored) => {
        expect(await restored.list(items)).toHaveLength(summary.events);
      });
      expect(n).toBeGreaterThanOrEqual(summary.events);
    });
  });

  it('replaces nothing: neither a file by a backup nor books by a restore', async () => {
    await make(3);
    await backupStore(books.directory, backup);
    await expect(backupStore(books.directory, backup)).rejects.toMatchObject({
      code: 'ERR_STORE_TARGET_EXISTS',
    });
    await expect(restoreStore(backup, books.directory, {}, components)).rejects.toMatchObject({
      code: 'ERR_STORE_TARGET_EXISTS',
    });
    expect(await readdir(books.root)).toHaveLength(3);
  });

  it('moves present books aside when told to, whole or damaged, but not while they are open', async () => {
    await make(3);
    await backupStore(books.directory, backup);
    await withStore(books.directory, async () => {
      await expect(
        restoreStore(backup, books.directory, { moveAside: true }, components),
      ).rejects.toMatchObject({
        code: 'ERR_STORE_LOCKED',
        detail: { pid: process.pid },
      });
    });
    const { movedTo } = await restoreStore(backup, books.directory, { moveAside: true }, components);
    await withStore(movedTo!, async (store) => expect(await store.list(items)).toHaveLength(3));
    await rm(join(books.directory, 'CURRENT'));
    expect((await checkStore(books.directory)).problem).toMatchObject({ code: 'ERR_STORE_MISSING' });
    await restoreStore(backup, books.directory, { moveAside: true }, components);
    expect(await checkStore(books.directory)).toMatchObject({ ok: true, records: { item: 3 } });
  });

  it('restores where the folder or the sentinel is gone', async () => {
    await make(3);
    await backupStore(books.directory, backup);
    await rm(books.directory, { recursive: true });
    await restoreStore(backup, books.directory, { moveAside: true }, components);
    await rm(`${books.directory}.sentinel`);
    await restoreStore(backup, books.directory, { moveAside: true }, components);
    expect(await checkStore(books.directory)).toMatchObject({ ok: true });
  });

  it('is not taken of damaged books', async () => {
    await make(3);
    await rm(`${books.directory}.sentinel`);
    await expect(backupStore(books.directory, backup)).rejects.toMatchObject({ code: 'ERR_STORE_MISSING' });
    expect(await readdir(books.root)).toEqual(['store']);
  });

  it.each<[string, (file: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['no gzip', () => Buffer.from('hello')],
    ['another text', () => gzipSync('hello\n')],
    ['cut', (file) => file.subarray(0, file.length / 2)],
    ['cut at a line', (file) => gzipSync(textOf(file).split('\n').slice(0, 5).join('\n') + '\n')],
    ['a line less', (file) => gzipSync(textOf(file).split('\n').toSpliced(3, 1).join('\n'))],
    [
      'a line twice',
      (file) =>
        gzipSync(
          textOf(file)
            .split('\n')
            .flatMap((line, at) => (at === 3 ? [line, line] : [line]))
            .join('\n'),
        ),
    ],
    ['a byte changed', (file) => gzipSync(textOf(file).replace('new', 'old'))],
    ['something added', (file) => gzipSync(`${textOf(file)}["x","y"]\n`)],
  ])('is refused when it is %s, and nothing is touched', async (_, damage) => {
    await make(3);
    await backupStore(books.directory, backup);
    await writeFile(backup, damage(await readFile(backup)));
    await expect(
      restoreStore(backup, books.directory, { moveAside: true }, components),
    ).rejects.toMatchObject({
      code: 'ERR_STORE_BACKUP',
    });
    expect(await checkStore(books.directory)).toMatchObject({ ok: true });
  });

  it('says what is missing of a file that is not there', async () => {
    await expect(
      restoreStore(join(books.root, 'none'), books.directory, {}, components),
    ).rejects.toMatchObject({
      code: 'ERR_STORE_BACKUP',
    });
  });
});

function textOf(file: Buffer): string {
  return gunzipSync(file).toString();
}
