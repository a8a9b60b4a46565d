import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Accumulator } from '../../../src/store/accumulator.ts';
import { checkStore } from '../../../src/store/index.ts';
import { decodeEntry, encodeEntry } from '../../../src/store/entry.ts';
import { COMMIT_KEY } from '../../../src/store/keys.ts';
import { Surveyor } from '../../../src/store/verify.ts';
import { idOf, items, makeItem, temporaryBooks, withStore } from '../../support/store-at.ts';

const damaged = expect.objectContaining({ code: 'ERR_STORE_DAMAGED' });
const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), {
  selector: ([key]) => key,
  minLength: 1,
});

describe('entries', () => {
  it('are read back as written, under their own key only', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (key, other, payload) => {
        const raw = encodeEntry(key, payload);
        expect(decodeEntry(key, raw)).toBe(payload);
        if (other !== key) expect(() => decodeEntry(other, raw)).toThrow(damaged);
      }),
    );
  });

  it('are refused with any character changed, missing or added', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.nat(),
        fc.string({ minLength: 0, maxLength: 1 }),
        (payload, place, character) => {
          const raw = encodeEntry('key', payload);
          const at = place % (raw.length + 1);
          const changed = raw.slice(0, at) + character + raw.slice(at + 1);
          if (changed !== raw) expect(() => decodeEntry('key', changed)).toThrow(damaged);
        },
      ),
    );
  });
});

describe('totals', () => {
  it('do not depend on order, nor on what came and went', () => {
    fc.assert(
      fc.property(entries, fc.string(), (pairs, gone) => {
        const [a, b] = [new Accumulator(), new Accumulator()];
        for (const [key, payload] of pairs) a.add(key, encodeEntry(key, payload));
        b.add('gone', encodeEntry('gone', gone));
        for (const [key, payload] of pairs.toReversed()) b.add(key, encodeEntry(key, payload));
        b.remove('gone', encodeEntry('gone', gone));
        expect(b.totals).toEqual(a.totals);
      }),
    );
  });

  const survey = (pairs: [string, string][], total: Accumulator): unknown => {
    const surveyor = new Surveyor();
    const commit = { number: 1, at: 0, events: 0, ...total.totals };
    surveyor.add(COMMIT_KEY, encodeEntry(COMMIT_KEY, JSON.stringify(commit)));
    for (const [key, payload] of pairs) surveyor.add(key, encodeEntry(key, payload));
    return surveyor.finish();
  };

  it('tell an older value, a missing entry and one too many, each with a right checksum', () => {
    fc.assert(
      fc.property(entries, fc.string(), (pairs, older) => {
        const total = new Accumulator();
        for (const [key, payload] of pairs) total.add(key, encodeEntry(key, payload));
        expect(survey(pairs, total)).toMatchObject({ commit: { number: 1 } });
        const [[key, payload], ...rest] = pairs as [[string, string], ...[string, string][]];
        if (payload !== older) expect(() => survey([[key, older], ...rest], total)).toThrow(damaged);
        expect(() => survey(rest, total)).toThrow(damaged);
        expect(() => survey([...pairs, [`${key}+`, older]], total)).toThrow(damaged);
      }),
    );
  });
});

it('a record that came and went leaves nothing behind', async () => {
  const books = await temporaryBooks();
  await withStore(books.directory, (store) => makeItem(store, 1));
  const { entries: before } = await checkStore(books.directory);
  await withStore(books.directory, async (store) => {
    await store.transact(async (tx) => tx.put(items, idOf(2), { n: 2, state: 'a' }));
    for (const state of ['b', 'c']) {
      await store.transact(async (tx) => {
        await tx.get(items, idOf(2));
        tx.put(items, idOf(2), { n: 2, state });
      });
    }
    await store.transact(async (tx) => tx.delete(items, idOf(2)));
  });
  expect((await checkStore(books.directory)).entries).toBe(before);
  await books.remove();
});
