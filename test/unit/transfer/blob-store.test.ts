import { createHash } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { blobStore, type BlobStore } from '../../../src/transfer/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const clock = new FakeClock();
const components = { logger: silentLogger, clock };
let blobs: BlobStore;

beforeEach(async () => {
  blobs = await opened();
});

async function opened(limits: { maxBytes?: number; maxCachedBytes?: number } = {}): Promise<BlobStore> {
  const store = blobStore({ directory: join(folder(), 'store'), maxBlobBytes: 1000, ...limits }, components);
  await store.start();
  return store;
}

const hashOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const bytes = (text: string): Buffer => Buffer.from(text);

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

const leftovers = async (): Promise<string[]> => [
  ...(await readdir(join(folder(), 'store', 'incoming'))),
  ...(await readdir(join(folder(), 'store', 'partial'))),
];

describe('the blob store', () => {
  test('gives back what was put, by its hash, from any offset', async () => {
    const info = await blobs.put(chunks(bytes('hello '), bytes(''), bytes('world')));
    expect(info).toEqual({ hash: hashOf(bytes('hello world')), sizeBytes: 11 });
    expect(await blobs.stat(info.hash)).toEqual(info);
    expect((await collect(blobs.read(info.hash))).toString()).toBe('hello world');
    expect((await collect(blobs.read(info.hash, 6))).toString()).toBe('world');
    expect(await collect(blobs.read(info.hash, 11))).toHaveLength(0);
    const path = await blobs.path(info.hash);
    expect(await readFile(path!, 'utf8')).toBe('hello world');
    expect((await stat(path!)).mode & 0o777).toBe(0o400);
    expect(await leftovers()).toEqual([]);
  });

  test('keeps the empty blob', async () => {
    const info = await blobs.put(chunks());
    expect(info).toEqual({ hash: hashOf(bytes('')), sizeBytes: 0 });
    expect(await collect(blobs.read(info.hash))).toHaveLength(0);
  });

  test('keeps one copy, also of puts at once, and counts it once', async () => {
    const infos = await Promise.all(Array.from({ length: 8 }, () => blobs.put(chunks(bytes('same')))));
    expect(new Set(infos.map(({ hash }) => hash)).size).toBe(1);
    expect(blobs.usage()).toEqual({ bytes: 4, count: 1, maxBytes: Infinity });
    expect(await blobs.list()).toEqual([infos[0]]);
    expect(await leftovers()).toEqual([]);
  });

  test.each([
    ['another hash', { expectedHash: `sha256:${'0'.repeat(64)}` }, 'ERR_TRANSFER_HASH_MISMATCH'],
    ['more than the caller allows', { maxBytes: 10 }, 'ERR_TRANSFER_TOO_LARGE'],
    ['a hash that is none', { expectedHash: 'sha256:../../etc/passwd' }, 'ERR_TRANSFER_HASH_INVALID'],
    ['a caller that gave up', { signal: AbortSignal.abort() }, 'ERR_TRANSFER_ABORTED'],
  ])('refuses %s and keeps nothing', async (_what, options, code) => {
    await expect(blobs.put(chunks(bytes('hello '), bytes('world')), options)).rejects.toMatchObject({ code });
    expect(await blobs.list()).toEqual([]);
    expect(await leftovers()).toEqual([]);
    expect(blobs.usage().bytes).toBe(0);
  });

  test('refuses a blob over its own limit at the first byte too many', async () => {
    let drawn = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        drawn += 1;
        yield Buffer.alloc(300);
      }
    }
    await expect(blobs.put(endless())).rejects.toMatchObject({ code: 'ERR_TRANSFER_TOO_LARGE' });
    expect(drawn).toBe(4);
  });

  test('a source that breaks leaves nothing behind, and its error comes through', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes('half');
      throw new Error('unplugged');
    }
    await expect(blobs.put(broken())).rejects.toThrow('unplugged');
    expect(await leftovers()).toEqual([]);
  });

  test('never holds more than its limit, whatever comes at once', async () => {
    const store = await opened({ maxBytes: 1000 });
    const puts = Array.from({ length: 20 }, (_, index) =>
      store.put(chunks(Buffer.alloc(100, index), Buffer.alloc(50, index))),
    );
    const results = await Promise.allSettled(puts);
    const failed = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failed) expect(reason).toMatchObject({ code: 'ERR_TRANSFER_NO_SPACE' });
    expect(failed.length).toBeGreaterThanOrEqual(14);
    expect(store.usage().bytes).toBeLessThanOrEqual(1000);
    for (const { hash } of await store.list()) await store.delete(hash);
    expect(store.usage()).toMatchObject({ bytes: 0, count: 0 });
    await store.put(chunks(Buffer.alloc(1000)));
  });

  test('counts, after any puts and deletes and a restart, what is on disk', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 6 })), { maxLength: 20 }),
        async (steps) => {
          await Promise.all(
            steps.map(([put, n]) =>
              put ? blobs.put(chunks(Buffer.alloc(n, n))) : blobs.delete(hashOf(Buffer.alloc(n, n))),
            ),
          );
          const onDisk = await blobs.list();
          const expected = {
            bytes: onDisk.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
            count: onDisk.length,
          };
          expect(blobs.usage()).toMatchObject(expected);
          expect((await opened()).usage()).toMatchObject(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('says what it does not have', async () => {
    const missing = hashOf(bytes('missing'));
    expect(await blobs.stat(missing)).toBeUndefined();
    expect(await blobs.path(missing)).toBeUndefined();
    expect(await blobs.delete(missing)).toBe(false);
    await expect(collect(blobs.read(missing))).rejects.toMatchObject({ code: 'ERR_TRANSFER_NOT_FOUND' });
    await expect(blobs.verify(missing)).rejects.toMatchObject({ code: 'ERR_TRANSFER_NOT_FOUND' });
    await expect(blobs.stat('../x')).rejects.toMatchObject({ code: 'ERR_TRANSFER_HASH_INVALID' });
    const { hash } = await blobs.put(chunks(bytes('abc')));
    for (const offset of [4, -1, 0.5, NaN]) {
      await expect(collect(blobs.read(hash, offset))).rejects.toMatchObject({ code: 'ERR_TRANSFER_RANGE' });
    }
  });

  test('deletes nothing that is held, or that turns out to be used', async () => {
    const { hash } = await blobs.put(chunks(bytes('abc')));
    const release = blobs.hold(hash);
    expect(await blobs.delete(hash)).toBe(false);
    release();
    expect(await blobs.delete(hash, async () => true)).toBe(false);
    expect(await blobs.stat(hash)).toBeDefined();
    expect(await blobs.delete(hash, async () => false)).toBe(true);
    expect(await blobs.stat(hash)).toBeUndefined();
  });

  test('tells whoever is about to name a blob that it has just been deleted', async () => {
    const { hash } = await blobs.put(chunks(bytes('abc')));
    const [asked, isUsed] = [Promise.withResolvers<unknown>(), Promise.withResolvers<boolean>()];
    const deleting = blobs.delete(hash, () => {
      asked.resolve(true);
      return isUsed.promise;
    });
    await asked.promise;
    // Held too late: whoever deletes it has looked before.
    const naming = blobs.whileHeld([hash], async ([found]) => found);
    isUsed.resolve(false);
    expect(await deleting).toBe(true);
    expect(await naming).toBeUndefined();
  });

  test('keeps what somebody is about to name until he has, however that ends', async () => {
    const { hash } = await blobs.put(chunks(bytes('abc')));
    const found = await blobs.whileHeld([hash], async (infos) => {
      expect(await blobs.delete(hash)).toBe(false);
      return infos;
    });
    expect(found).toEqual([{ hash, sizeBytes: 3 }]);
    await expect(blobs.whileHeld([hash], () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await blobs.delete(hash)).toBe(true);
  });

  test('sets a damaged blob aside', async () => {
    const { hash } = await blobs.put(chunks(bytes('precious')));
    expect(await blobs.verify(hash)).toEqual({ hash, sizeBytes: 8 });
    const path = (await blobs.path(hash))!;
    await chmod(path, 0o600);
    await writeFile(path, 'precioux');
    await expect(blobs.verify(hash)).rejects.toMatchObject({ code: 'ERR_TRANSFER_DAMAGED' });
    expect(await blobs.stat(hash)).toBeUndefined();
    expect(await readdir(join(folder(), 'store', 'damaged'))).toHaveLength(1);
    expect(blobs.usage()).toMatchObject({ bytes: 0, count: 0 });
    await blobs.put(chunks(bytes('precious')), { expectedHash: hash });
  });

  test('keeps of what was broken off as much as there is room for, the newest, and nothing of what never began', async () => {
    blobs = await opened({ maxCachedBytes: 10 });
    const partial = join(folder(), 'store', 'partial');
    const nameOf = (key: string): string => `unnamed-${createHash('sha256').update(key).digest('hex')}`;
    const begin = async (key: string, text: string) => {
      const begun = await blobs.openUnnamed(key, { maxBytes: 100 });
      await begun.append(bytes(text));
      return begun;
    };
    await (await blobs.openPartial(hashOf(bytes('never came')))).close();
    expect(await readdir(partial)).toEqual([]);
    const inUse = await begin('in use', '12345678');
    await (await begin('old', '123456')).close();
    await utimes(join(partial, nameOf('old')), 1, 1);
    await (await begin('new', '1234')).close();
    expect(await readdir(partial)).toHaveLength(3);
    await (await begin('newest', '12345')).close();
    expect((await readdir(partial)).sort()).toEqual(['in use', 'new', 'newest'].map(nameOf).sort());
    expect((await inUse.complete()).sizeBytes).toBe(8);

    blobs = await opened();
    const many = Array.from({ length: 1000 }, (_, at) => writeFile(join(partial, `${at}`), 'x'));
    await Promise.all(many);
    await (await begin('one more', '1')).close();
    expect(await readdir(partial)).toHaveLength(1000);
  });

  test('a start clears away what a crash left and keeps what can be resumed', async () => {
    const { hash } = await blobs.put(chunks(bytes('whole')));
    const store = join(folder(), 'store');
    await writeFile(join(store, 'incoming', 'half'), 'ha');
    await writeFile(join(store, 'partial', 'a'.repeat(64)), 'fresh');
    await writeFile(join(store, 'partial', 'b'.repeat(64)), 'old');
    const now = components.clock.now() / 1000;
    await utimes(join(store, 'partial', 'a'.repeat(64)), now, now);
    await utimes(join(store, 'partial', 'b'.repeat(64)), now, now - 8 * 24 * 3600);
    await link((await blobs.path(hash))!, join(store, 'partial', hash.slice(7)));
    await mkdir(join(store, 'blobs', 'zz'));
    await writeFile(join(store, 'blobs', 'zz', 'stray'), 'not ours');
    const again = await opened();
    expect(await leftovers()).toEqual(['a'.repeat(64)]);
    expect(await again.list()).toEqual([{ hash, sizeBytes: 5 }]);
    expect(again.usage()).toMatchObject({ bytes: 5, count: 1 });
  });
});

describe('blobs that were fetched for activities', () => {
  /** As a fetch for an activity does it. */
  async function cache(text: string): Promise<string> {
    const hash = hashOf(bytes(text));
    const partial = await blobs.openPartial(hash, { cached: true });
    await partial.append(bytes(text));
    await partial.complete();
    await clock.advance(1000);
    return hash;
  }
  const here = async (...hashes: string[]): Promise<boolean[]> =>
    Promise.all(hashes.map(async (hash) => (await blobs.stat(hash)) !== undefined));

  beforeEach(async () => {
    blobs = await opened({ maxCachedBytes: 20 });
  });

  test('go when there are too many, those not used for the longest time first', async () => {
    const [one, two, three] = [
      await cache('one-------'),
      await cache('two-------'),
      await cache('three-----'),
    ];
    await blobs.noteUse(one, true);
    await blobs.trim();
    expect(await here(one, two, three)).toEqual([true, false, true]);
    expect(blobs.usage()).toMatchObject({ bytes: 20, count: 2 });
    // Over a restart too, with another bound.
    blobs = await opened({ maxCachedBytes: 10 });
    expect(await here(one, three)).toEqual([true, false]);
    expect(await readdir(join(folder(), 'store', 'cached'))).toHaveLength(1);
  });

  test('stay while somebody holds them', async () => {
    const [one, two, three] = [
      await cache('one-------'),
      await cache('two-------'),
      await cache('three-----'),
    ];
    const release = [blobs.hold(one), blobs.hold(one)];
    await blobs.trim();
    expect(await here(one, two, three)).toEqual([true, false, true]);
    await cache('four------');
    release[0]!();
    release[0]!();
    await blobs.trim();
    expect(await here(one, three)).toEqual([true, false]);
    release[1]!();
    await cache('five------');
    await blobs.trim();
    expect(await here(one)).toEqual([false]);
  });

  test('stay for good once somebody has put them there himself, before or after; results do too', async () => {
    await blobs.put(chunks(bytes('mine------')));
    const mine = await cache('mine------');
    const later = await cache('later-----');
    await blobs.put(chunks(bytes('later-----')));
    const result = await cache('result----');
    await blobs.noteUse(result, false);
    for (const text of ['a', 'b', 'c', 'd']) await cache(text.repeat(10));
    await blobs.trim();
    expect(await here(mine, later, result)).toEqual([true, true, true]);
    expect(blobs.usage()).toMatchObject({ bytes: 50, count: 5 });
  });

  test('are counted, and are no longer once they are named, or deleted', async () => {
    const [one, two, three] = [
      await cache('one-------'),
      await cache('two-------'),
      await cache('three-----'),
    ];
    expect(await blobs.cachedBytes()).toBe(30);
    await blobs.whileHeld([one], async () => undefined);
    expect(await blobs.cachedBytes()).toBe(20);
    await blobs.delete(two);
    expect(await blobs.cachedBytes()).toBe(10);
    expect(await readdir(join(folder(), 'store', 'cached'))).toHaveLength(1);
    await blobs.trim();
    expect(await here(one, three)).toEqual([true, true]);
  });

  test('leave nothing that a crash could make stay: a mark without a blob is dropped at the start', async () => {
    await writeFile(join(folder(), 'store', 'cached', 'ab'.repeat(32)), '');
    blobs = await opened({ maxCachedBytes: 20 });
    expect(await readdir(join(folder(), 'store', 'cached'))).toEqual([]);
  });

  test('are never dropped in the moment in which they are put to stay', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const hash = await cache(`turn ${String(turn).padStart(16, '0')}`);
      await cache('b'.repeat(21));
      await Promise.all([blobs.trim(), blobs.put(chunks(bytes(`turn ${String(turn).padStart(16, '0')}`)))]);
      expect(await here(hash)).toEqual([true]);
    }
  });
});
