import { cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isErgonError } from '../../../src/interface/errors.ts';
import { checkStore } from '../../../src/store/index.ts';
import {
  contentsOf,
  copyBooks,
  makeItem,
  storeAt,
  temporaryBooks,
  withStore,
} from '../../support/store-at.ts';

type Books = Awaited<ReturnType<typeof temporaryBooks>>;
type Damage = (directory: string, original: { older: string; other: string }) => Promise<void>;

const REFUSALS = ['ERR_STORE_DAMAGED', 'ERR_STORE_MISSING', 'ERR_STORE_STALE', 'ERR_STORE_IDENTITY'];

async function filesOf(directory: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(directory))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(directory, name));
}

const onFile =
  (pattern: RegExp, change: (bytes: Buffer) => Buffer): Damage =>
  async (directory) => {
    const [path] = await filesOf(directory, pattern);
    if (path === undefined) throw new Error(`no file like ${pattern}`);
    await writeFile(path, change(await readFile(path)));
  };
const flip = (pattern: RegExp, at: number): Damage =>
  onFile(pattern, (bytes) => {
    const copy = Buffer.from(bytes);
    const offset = Math.min(copy.length - 1, Math.floor(copy.length * at));
    copy.writeUInt8(copy.readUInt8(offset) ^ 0x10, offset);
    return copy;
  });
const cut = (pattern: RegExp, at: number): Damage =>
  onFile(pattern, (bytes) => bytes.subarray(0, Math.floor(bytes.length * at)));
const hole = (pattern: RegExp, at: number, length: number): Damage =>
  onFile(pattern, (bytes) => {
    const copy = Buffer.from(bytes);
    return copy.fill(
      0,
      Math.floor(copy.length * at),
      Math.min(copy.length, Math.floor(copy.length * at) + length),
    );
  });
const excise = (pattern: RegExp, at: number, length: number): Damage =>
  onFile(pattern, (bytes) => {
    const from = Math.floor(bytes.length * at);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  });
const remove =
  (pattern: RegExp): Damage =>
  async (directory) => {
    for (const path of await filesOf(directory, pattern)) await rm(path);
  };

const LOG = /\.log$/;
const TABLE = /\.ldb$/;
const MANIFEST = /^MANIFEST/;
const places = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1];

const damages: Record<string, Damage> = {
  ...Object.fromEntries(
    [LOG, TABLE, MANIFEST, /^CURRENT$/].flatMap((file) =>
      places.map((at) => [`flip ${file} at ${at}`, flip(file, at)]),
    ),
  ),
  ...Object.fromEntries(
    [LOG, TABLE, MANIFEST, /^CURRENT$/].flatMap((file) =>
      [0, 0.3, 0.6, 0.95].map((at) => [`cut ${file} at ${at}`, cut(file, at)]),
    ),
  ),
  ...Object.fromEntries(
    [LOG, TABLE, MANIFEST].flatMap((file) =>
      [0.2, 0.5, 0.9].map((at) => [`hole in ${file} at ${at}`, hole(file, at, 512)]),
    ),
  ),
  ...Object.fromEntries(
    [LOG, TABLE].flatMap((file) =>
      [0.1, 0.5].map((at) => [`excise from ${file} at ${at}`, excise(file, at, 300)]),
    ),
  ),
  'a block of the log gone': excise(LOG, 0.3, 32_768),
  'log twice': onFile(LOG, (bytes) => Buffer.concat([bytes, bytes])),
  'junk after the log': onFile(LOG, (bytes) => Buffer.concat([bytes, Buffer.alloc(100, 7)])),
  'no CURRENT': remove(/^CURRENT$/),
  'no MANIFEST': remove(MANIFEST),
  'no log': remove(LOG),
  'no tables': remove(TABLE),
  'one table gone': async (directory) => rm((await filesOf(directory, TABLE))[0]!),
  'tables swapped': async (directory) => {
    const [a, b] = await filesOf(directory, TABLE);
    const [bytesA, bytesB] = [await readFile(a!), await readFile(b!)];
    await writeFile(a!, bytesB);
    await writeFile(b!, bytesA);
  },
  'folder gone': (directory) => rm(directory, { recursive: true }),
  'folder emptied': remove(/./),
  'only LOCK and LOG left': remove(/^(CURRENT|MANIFEST|.*\.ldb|.*\.log)/),
  'older copy': async (directory, { older }) => {
    await rm(directory, { recursive: true });
    await cp(older, directory, { recursive: true });
  },
  "another node's folder": async (directory, { other }) => {
    await rm(directory, { recursive: true });
    await cp(other, directory, { recursive: true });
  },
  'log of the older copy': async (directory, { older }) => {
    await remove(LOG)(directory, { older, other: '' });
    for (const path of await filesOf(older, LOG)) await cp(path, join(directory, path.slice(older.length)));
  },
  'no sentinel': (directory) => rm(`${directory}.sentinel`),
  'empty sentinel': (directory) => truncate(`${directory}.sentinel`, 0),
  'sentinel flipped in both slots': async (directory) => {
    const path = `${directory}.sentinel`;
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    bytes.writeUInt8(bytes.readUInt8(1064) ^ 1, 1064);
    await writeFile(path, bytes);
  },
  "another node's sentinel": (directory, { other }) => cp(`${other}.sentinel`, `${directory}.sentinel`),
};

describe('damage on disk', () => {
  let books: Books;
  let older: Books;
  let other: Books;
  let whole: string;

  beforeAll(async () => {
    [books, older, other] = [await temporaryBooks(), await temporaryBooks(), await temporaryBooks()];
    // Several openings, so that there are tables beside the log; then writes that are only in the log.
    for (let round = 0; round < 4; round += 1) {
      await withStore(books.directory, (store) => many(store, round * 400, 400));
    }
    await copyBooks(books.directory, older.directory);
    await withStore(books.directory, async (store) => {
      await many(store, 1600, 200);
      // By itself, so that it is one whole record of the log.
      await many(store, 1800, 1);
      whole = await contentsOf(store);
    });
    await withStore(other.directory, (store) => many(store, 0, 50));
  });
  afterAll(async () => {
    for (const { remove: clean } of [books, older, other]) await clean();
  });

  it('has tables, a log and a manifest to be damaged', async () => {
    expect((await filesOf(books.directory, TABLE)).length).toBeGreaterThanOrEqual(2);
    for (const pattern of [LOG, MANIFEST]) {
      const [path] = await filesOf(books.directory, pattern);
      expect((await stat(path!)).size).toBeGreaterThan(100);
    }
  });

  it('leaves whole books alone', async () => {
    const copy = await temporaryBooks();
    await copyBooks(books.directory, copy.directory);
    expect(await openedIn(copy)).toEqual({ contents: whole });
    await copy.remove();
  });

  it.each(Object.keys(damages))('%s: refused with a code, or every record is there', async (name) => {
    const copy = await temporaryBooks();
    await copyBooks(books.directory, copy.directory);
    await damages[name]!(copy.directory, { older: older.directory, other: other.directory });
    const opened = await openedIn(copy);
    if ('code' in opened) expect(REFUSALS).toContain(opened.code);
    else expect(opened.contents).toBe(whole);
    // The same again: a refusal must not have "repaired" it into something that looks whole.
    const again = await openedIn(copy);
    if ('code' in opened) expect(again).toHaveProperty('code');
    const report = await checkStore(copy.directory);
    expect(report.ok).toBe(!('code' in opened));
    await copy.remove();
  });

  it('survives a Level that aborts the process: the log is judged before Level sees it', async () => {
    const copy = await temporaryBooks();
    await copyBooks(books.directory, copy.directory);
    await onFile(LOG, repeatLastRecord)(copy.directory, { older: '', other: '' });
    expect(await openedIn(copy)).toEqual({ code: 'ERR_STORE_DAMAGED' });
    await copy.remove();
  });

  it('begins no new books where there were some, when folder and sentinel are both gone', async () => {
    const place = await temporaryBooks();
    const begunPath = join(place.root, 'keystore.json.books');
    const init = { begunPath };
    await withStore(place.directory, (store) => makeItem(store, 1), init);
    await rm(place.directory, { recursive: true });
    await rm(`${place.directory}.sentinel`);
    await expect(withStore(place.directory, async () => undefined, init)).rejects.toMatchObject({
      code: 'ERR_STORE_MISSING',
      message: expect.stringContaining(`remove ${begunPath}`),
    });
    expect(await readdir(place.root)).toEqual(['keystore.json.books']);
    await rm(begunPath);
    await withStore(place.directory, (store) => makeItem(store, 1), init);
    await place.remove();
  });

  it('refuses most damages, so that this test is about something', async () => {
    const refused = await Promise.all(
      [
        'no CURRENT',
        'folder gone',
        'older copy',
        'no log',
        'tables swapped',
        "another node's folder",
        'no sentinel',
      ].map(async (name) => {
        const copy = await temporaryBooks();
        await copyBooks(books.directory, copy.directory);
        await damages[name]!(copy.directory, { older: older.directory, other: other.directory });
        const opened = await openedIn(copy);
        await copy.remove();
        return 'code' in opened ? opened.code : 'opened';
      }),
    );
    expect(refused).toEqual([
      'ERR_STORE_MISSING',
      'ERR_STORE_MISSING',
      'ERR_STORE_STALE',
      'ERR_STORE_STALE',
      'ERR_STORE_DAMAGED',
      'ERR_STORE_IDENTITY',
      'ERR_STORE_MISSING',
    ]);
  });
});

async function many(store: Parameters<typeof makeItem>[0], from: number, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      makeItem(store, from + n, 'new', randomBytes(2_000).toString('base64')),
    ),
  );
}

/** Opens in this process; what aborts it would fail the whole test file. */
async function openedIn(books: { directory: string }): Promise<{ contents: string } | { code: string }> {
  const store = storeAt(books.directory);
  try {
    await store.start();
    return { contents: await contentsOf(store) };
  } catch (error) {
    if (isErgonError(error)) return { code: error.code };
    throw error;
  } finally {
    await store.stop();
  }
}

/** Appends the last physical record once more, as a confused file system might; Level aborts the process on it. */
function repeatLastRecord(log: Buffer): Buffer {
  let [offset, last] = [0, 0];
  while (offset + 7 <= log.length) {
    const left = 32_768 - (offset % 32_768);
    if (left < 7) {
      offset += left;
      continue;
    }
    if (log.readUInt8(offset + 6) === 1) last = offset;
    offset += 7 + log.readUInt16LE(offset + 4);
  }
  return Buffer.concat([log, log.subarray(last, last + 7 + log.readUInt16LE(last + 4))]);
}
