import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Bucket, OutboxMessage, Store, StoredEvent, Transaction } from '../../src/interface/store.ts';
import { checker } from '../../src/util/check.ts';
import { FakeClock } from '../support/fake-clock.ts';

const Note = Type.Object({ text: Type.String(), state: Type.String(), tags: Type.Array(Type.String()) });
interface Note {
  text: string;
  state: string;
  tags: string[];
}
const notes: Bucket<Note> = {
  name: 'note',
  check: checker(Note, 'note'),
  indexes: { state: (note) => [note.state], tag: (note) => note.tags },
};
const counters: Bucket<number> = { name: 'counter', check: checker(Type.Integer(), 'counter') };

export interface StoreSuiteInit {
  /** A store that is not started yet. */
  readonly setup: (components: { clock: FakeClock }) => Promise<Store>;
  readonly teardown: (store: Store) => Promise<void>;
  /** Another store over the same contents, after `store` has been stopped. */
  readonly reopen: (store: Store, components: { clock: FakeClock }) => Promise<Store>;
}

const note = (text: string, state = 'new', tags: string[] = []): Note => ({ text, state, tags });
const message = (id: string, peerId = 'peer-a'): OutboxMessage => ({
  id,
  peerId,
  protocol: '/ergon/test/1',
  kind: 'ping',
  body: { id },
  expiresAt: 1e15,
});
const emit = (tx: Transaction, type: string, subject = 's', data: unknown = null): void =>
  tx.emit({ type, subject, data: JSON.parse(JSON.stringify(data)) });

export function storeSuite(name: string, init: StoreSuiteInit): void {
  describe(`store: ${name}`, () => {
    let store: Store;
    let clock: FakeClock;
    beforeEach(async () => {
      clock = new FakeClock();
      store = await init.setup({ clock });
      await store.start();
    });
    afterEach(async () => {
      await init.teardown(store);
    });
    const reopen = async (): Promise<void> => {
      await store.stop();
      store = await init.reopen(store, { clock });
      await store.start();
    };
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    const put = <T>(bucket: Bucket<T>, id: string, value: T): Promise<void> =>
      store.transact(async (tx) => tx.put(bucket, id, value));

    describe('records', () => {
      it('gives back what was put, and undefined for what was not', async () => {
        await put(notes, 'a', note('hello'));
        expect(await store.get(notes, 'a')).toEqual(note('hello'));
        expect(await store.get(notes, 'b')).toBeUndefined();
      });

      it('refuses a value that does not fit, and writes nothing of the transaction', async () => {
        const bad: Bucket<unknown> = { ...notes, check: notes.check, indexes: {} };
        await expect(
          store.transact(async (tx) => {
            tx.put(notes, 'good', note('x'));
            tx.put(bad, 'bad', { text: 5 });
          }),
        ).rejects.toEqual(code('ERR_STORE_VALUE'));
        expect(await store.get(notes, 'good')).toBeUndefined();
      });

      it('refuses what JSON cannot hold', async () => {
        const any: Bucket<unknown> = { name: 'any', check: (value) => value };
        await expect(put(any, 'a', { big: 1n })).rejects.toEqual(code('ERR_STORE_VALUE'));
        await expect(put(any, 'a', undefined)).rejects.toEqual(code('ERR_STORE_VALUE'));
      });

      it('checks what will be read back, not what JSON makes another thing of', async () => {
        await expect(put(counters, 'a', Number.NaN)).rejects.toEqual(code('ERR_STORE_VALUE'));
      });

      it.each([
        ['', 'empty'],
        ['a\0b', 'with NUL'],
        ['x'.repeat(1025), 'long'],
        ['\ud800', 'not well-formed'],
      ])('refuses the id %j (%s)', async (id) => {
        await expect(put(counters, id, 1)).rejects.toEqual(code('ERR_STORE_KEY'));
      });

      it('refuses to make a record that exists', async () => {
        await put(counters, 'a', 1);
        await expect(put(counters, 'a', 2)).rejects.toEqual(code('ERR_STORE_EXISTS'));
        expect(await store.get(counters, 'a')).toBe(1);
      });

      it('makes the next record of a row after another one that came in between', async () => {
        const next = (meanwhile: () => Promise<unknown>): Promise<number> =>
          store.transact(async (tx) => {
            const number = ((await tx.get(counters, 'last')) ?? 0) + 1;
            await meanwhile();
            tx.put(counters, 'last', number);
            tx.put(counters, `entry-${number}`, number);
            return number;
          });
        const none = (): Promise<void> => Promise.resolve();
        let others = 2;
        const other = (): Promise<unknown> => (others-- > 0 ? next(none) : none());
        expect(await next(other)).toBe(3);
        expect((await store.list(counters)).map(({ id }) => id)).toEqual([
          'entry-1',
          'entry-2',
          'entry-3',
          'last',
        ]);
      });

      it('changes a record that was read by get or by list, and deletes one', async () => {
        await put(counters, 'a', 1);
        await put(counters, 'b', 1);
        await store.transact(async (tx) => tx.put(counters, 'a', ((await tx.get(counters, 'a')) ?? 0) + 1));
        await store.transact(async (tx) => {
          for (const { id, value } of await tx.list(counters)) tx.put(counters, id, value + 10);
        });
        expect(await store.list(counters)).toEqual([
          { id: 'a', value: 12 },
          { id: 'b', value: 11 },
        ]);
        await store.transact(async (tx) => tx.delete(counters, 'a'));
        await store.transact(async (tx) => tx.delete(counters, 'never-there'));
        expect(await store.list(counters)).toEqual([{ id: 'b', value: 11 }]);
      });

      it('keeps buckets apart whose names begin alike', async () => {
        const near: Bucket<number> = { ...counters, name: 'counter2' };
        await put(counters, 'a', 1);
        await put(near, 'a', 2);
        expect(await store.list(counters)).toEqual([{ id: 'a', value: 1 }]);
        expect(await store.list(near)).toEqual([{ id: 'a', value: 2 }]);
      });

      it('survives a stop and start', async () => {
        await put(notes, 'a', note('hello', 'new', ['x']));
        await reopen();
        expect(await store.get(notes, 'a')).toEqual(note('hello', 'new', ['x']));
        expect(await store.list(notes, { where: { index: 'tag', equals: 'x' } })).toHaveLength(1);
      });

      it('refuses all use while it is not open', async () => {
        await store.stop();
        await expect(store.get(counters, 'a')).rejects.toEqual(code('ERR_STORE_CLOSED'));
        await expect(put(counters, 'a', 1)).rejects.toEqual(code('ERR_STORE_CLOSED'));
        await store.stop();
      });
    });

    describe('lists', () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      beforeEach(async () => {
        await store.transact(async (tx) => {
          ids.forEach((id, at) => tx.put(notes, id, note(id, at % 2 === 0 ? 'even' : 'odd', ['all', id])));
        });
      });
      const idsOf = async (options: Parameters<Store['list']>[1]): Promise<string> =>
        (await store.list(notes, options)).map(({ id }) => id).join('');

      it('counts what an index holds, up to a bound', async () => {
        const counted = (equals: string, atMost?: number): Promise<number> =>
          store.count(notes, { index: 'state', equals }, atMost);
        expect([await counted('even'), await counted('odd'), await counted('none')]).toEqual([3, 2, 0]);
        expect([await counted('even', 2), await counted('even', 9)]).toEqual([2, 3]);
        await store.transact(async (tx) => tx.delete(notes, 'a'));
        expect(await counted('even')).toBe(2);
      });

      it('pages by cursor, both ways, with and without an index', async () => {
        expect(await idsOf({})).toBe('abcde');
        expect(await idsOf({ limit: 2 })).toBe('ab');
        expect(await idsOf({ limit: 2, after: 'b' })).toBe('cd');
        expect(await idsOf({ reverse: true, limit: 2 })).toBe('ed');
        expect(await idsOf({ reverse: true, limit: 9, after: 'c' })).toBe('ba');
        expect(await idsOf({ after: 'bb' })).toBe('cde');
        const where = { index: 'state', equals: 'even' };
        expect(await idsOf({ where })).toBe('ace');
        expect(await idsOf({ where, after: 'a', limit: 1 })).toBe('c');
        expect(await idsOf({ where, reverse: true, after: 'e' })).toBe('ca');
        expect(await idsOf({ where: { index: 'tag', equals: 'd' } })).toBe('d');
        expect(await idsOf({ where: { index: 'tag', equals: 'none' } })).toBe('');
        expect(await idsOf({ limit: 0 })).toBe('');
      });

      it('follows a record from one index value to another', async () => {
        await store.transact(async (tx) => {
          const before = await tx.get(notes, 'a');
          tx.put(notes, 'a', { ...before!, state: 'odd', tags: [] });
        });
        await store.transact(async (tx) => tx.delete(notes, 'b'));
        expect(await idsOf({ where: { index: 'state', equals: 'even' } })).toBe('ce');
        expect(await idsOf({ where: { index: 'state', equals: 'odd' } })).toBe('ad');
        expect(await idsOf({ where: { index: 'tag', equals: 'all' } })).toBe('cde');
      });

      it('shows a transaction its own writes', async () => {
        const seen = await store.transact(async (tx) => {
          tx.delete(notes, 'c');
          tx.put(notes, 'cc', note('cc', 'even'));
          await tx.get(notes, 'e');
          tx.put(notes, 'e', note('e', 'odd'));
          expect(await tx.get(notes, 'c')).toBeUndefined();
          expect(await tx.get(notes, 'cc')).toEqual(note('cc', 'even'));
          const where = { index: 'state', equals: 'even' };
          return [
            (await tx.list(notes, { where })).map(({ id }) => id),
            (await tx.list(notes, { where, limit: 1, after: 'a' })).map(({ id }) => id),
            (await tx.list(notes, { reverse: true, limit: 3 })).map(({ id }) => id),
          ];
        });
        expect(seen).toEqual([['a', 'cc'], ['cc'], ['e', 'd', 'cc']]);
      });

      it('lists more than one page of an index', async () => {
        await store.transact(async (tx) => {
          for (let n = 0; n < 600; n += 1) tx.put(notes, `n${String(n).padStart(4, '0')}`, note('n', 'many'));
        });
        const found = await store.list(notes, { where: { index: 'state', equals: 'many' } });
        expect(found).toHaveLength(600);
        expect(found.at(-1)?.id).toBe('n0599');
        expect(
          await store.list(notes, { where: { index: 'state', equals: 'many' }, reverse: true, limit: 300 }),
        ).toHaveLength(300);
      });

      it('sorts ids by their UTF-8 bytes', async () => {
        const odd = ['\u{1f600}', '\uffee', 'é', 'z'];
        for (const id of odd) await put(counters, id, 1);
        expect((await store.list(counters)).map(({ id }) => id)).toEqual(['z', 'é', '\uffee', '\u{1f600}']);
      });
    });

    describe('transactions', () => {
      it('writes all or nothing', async () => {
        await expect(
          store.transact(async (tx) => {
            tx.put(counters, 'a', 1);
            emit(tx, 'a.happened');
            tx.send(message('m'));
            throw new Error('no');
          }),
        ).rejects.toThrow('no');
        expect(await store.get(counters, 'a')).toBeUndefined();
        expect(store.events.last()).toBe(0);
        expect(await store.outbox.peers()).toEqual([]);
      });

      it('loses no update among many at once, and reruns only the overtaken', async () => {
        await put(counters, 'a', 0);
        let runs = 0;
        await Promise.all(
          Array.from({ length: 100 }, () =>
            store.transact(async (tx) => {
              runs += 1;
              tx.put(counters, 'a', ((await tx.get(counters, 'a')) ?? 0) + 1);
            }),
          ),
        );
        expect(await store.get(counters, 'a')).toBe(100);
        expect(runs).toBeGreaterThan(100);
      });

      it('reruns when something that was read as absent has come to be', async () => {
        const make = (value: number): Promise<number> =>
          store.transact(async (tx) => {
            const before = await tx.get(counters, 'a');
            if (before !== undefined) return before;
            tx.put(counters, 'a', value);
            return value;
          });
        const made = await Promise.all([make(1), make(2), make(3)]);
        expect(new Set(made).size).toBe(1);
      });

      it('lets only one of several make the same record blindly', async () => {
        const results = await Promise.allSettled([put(counters, 'a', 1), put(counters, 'a', 2)]);
        expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
      });

      it('keeps a value that is changed after it was put', async () => {
        const value = note('before');
        await store.transact(async (tx) => {
          tx.put(notes, 'a', value);
          value.text = 'after';
          (await tx.get(notes, 'a'))!.text = 'changed';
        });
        expect((await store.get(notes, 'a'))?.text).toBe('before');
      });

      it('behaves as a map does, whatever is done', async () => {
        const id = fc.constantFrom('a', 'b', 'c', 'd');
        const step = fc.record({ id, state: fc.constantFrom('x', 'y', ''), remove: fc.boolean() });
        await fc.assert(
          fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), async (batches) => {
            const bucket: Bucket<Note> = { ...notes, name: `map-${String(Math.random())}` };
            const model = new Map<string, Note>();
            for (const batch of batches) {
              await store.transact(async (tx) => {
                for (const { id: key, state, remove } of batch) {
                  await tx.get(bucket, key);
                  if (remove) tx.delete(bucket, key);
                  else tx.put(bucket, key, note(key, state));
                }
              });
              for (const { id: key, state, remove } of batch) {
                if (remove) model.delete(key);
                else model.set(key, note(key, state));
              }
            }
            const expected = [...model]
              .map(([key, value]) => ({ id: key, value }))
              .sort((a, b) => (a.id < b.id ? -1 : 1));
            expect(await store.list(bucket)).toEqual(expected);
            for (const state of ['x', 'y', '']) {
              expect(await store.list(bucket, { where: { index: 'state', equals: state } })).toEqual(
                expected.filter(({ value }) => value.state === state),
              );
            }
          }),
          { numRuns: 25 },
        );
      });
    });

    eventTests(
      () => store,
      () => clock,
      reopen,
      put,
    );
    outboxTests(() => store, reopen);
  });
}

function eventTests(
  current: () => Store,
  clock: () => FakeClock,
  reopen: () => Promise<void>,
  put: <T>(bucket: Bucket<T>, id: string, value: T) => Promise<void>,
): void {
  const happen = (type: string, subject = 's', data: unknown = null): Promise<void> =>
    current().transact(async (tx) => emit(tx, type, subject, data));

  describe('events', () => {
    it('number all that happens, without gaps, whoever commits it', async () => {
      await Promise.all(Array.from({ length: 50 }, (_, n) => happen('a.happened', `s${n % 3}`, n)));
      const events = await current().events.query({});
      expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
      expect(new Set(events.map((event) => event.data)).size).toBe(50);
      expect(current().events.last()).toBe(50);
      expect(events[0]?.at).toBe(clock().now());
    });

    it('are found by position, type, subject and limit', async () => {
      for (let n = 0; n < 10; n += 1)
        await happen(n % 2 === 0 ? 'a.even' : 'a.odd', n % 3 === 0 ? 'three' : 'other', n);
      const data = async (query: Parameters<Store['events']['query']>[0]): Promise<unknown[]> =>
        (await current().events.query(query)).map((event) => event.data);
      expect(await data({ types: ['a.even'] })).toEqual([0, 2, 4, 6, 8]);
      expect(await data({ subject: 'three' })).toEqual([0, 3, 6, 9]);
      expect(await data({ subject: 'three', types: ['a.odd'], after: 4 })).toEqual([9]);
      expect(await data({ after: 7, limit: 2 })).toEqual([7, 8]);
      expect(await data({ types: ['a.none'] })).toEqual([]);
      expect(await data({ subject: 'thre' })).toEqual([]);
    });

    it('keep counting after a restart', async () => {
      await happen('a.happened');
      await reopen();
      expect(current().events.last()).toBe(1);
      await happen('a.happened');
      expect(current().events.last()).toBe(2);
    });

    it('are followed from the past into the present, without gap or repeat', async () => {
      for (let n = 1; n <= 300; n += 1) await happen(n % 2 === 0 ? 'a.even' : 'a.odd', 's', n);
      const abort = new AbortController();
      const seen: number[] = [];
      const reading = (async () => {
        for await (const event of current().events.follow({ after: 3, types: ['a.even'] }, abort.signal)) {
          seen.push(event.seq);
          if (event.seq === 1000) abort.abort();
        }
      })();
      await Promise.all(
        Array.from({ length: 700 }, (_, n) => happen((n + 301) % 2 === 0 ? 'a.even' : 'a.odd')),
      );
      await reading;
      expect(seen).toEqual(Array.from({ length: 499 }, (_, n) => 2 * n + 4));
    });

    it('are forgotten from the oldest on, up to an age, and the others keep their places', async () => {
      for (let n = 1; n <= 600; n += 1) await happen('a.old', `s${n % 2}`, n);
      await clock().advance(1_000);
      const { events } = current();
      for (let n = 601; n <= 603; n += 1) await happen('a.new', 's1', n);
      expect(await events.oldest()).toBe(1);
      const removed: number[] = [];
      while (removed.at(-1) !== 0) removed.push(await events.forget(clock().now()));
      expect(removed.reduce((sum, one) => sum + one)).toBe(600);
      await reopen();
      expect(await current().events.oldest()).toBe(601);
      const seqs = async (query: Parameters<Store['events']['query']>[0]): Promise<number[]> =>
        (await current().events.query(query)).map(({ seq }) => seq);
      expect(await seqs({})).toEqual([601, 602, 603]);
      expect(await seqs({ after: 17, limit: 2 })).toEqual([601, 602]);
      expect(await seqs({ subject: 's1' })).toEqual([601, 602, 603]);
      expect(await seqs({ subject: 's0' })).toEqual([]);
      while ((await current().events.forget(Infinity)) > 0);
      expect(await current().events.oldest()).toBe(604);
      await happen('a.next');
      expect(await seqs({})).toEqual([604]);
    });

    it('wake a follower that waits, and let it go when its signal aborts or the store stops', async () => {
      const abort = new AbortController();
      const iterator = current().events.follow({}, abort.signal)[Symbol.asyncIterator]();
      const first = iterator.next();
      await happen('a.happened');
      expect((await first).value).toMatchObject({ seq: 1 });
      const second = iterator.next();
      abort.abort();
      expect((await second).done).toBe(true);
      const other = current()
        .events.follow({ after: 1 }, new AbortController().signal)
        [Symbol.asyncIterator]();
      const third = other.next();
      await current().stop();
      expect((await third).done).toBe(true);
    });
  });

  describe('consumers', () => {
    it('see every event of their types in order, with effect exactly once, over restarts', async () => {
      for (let n = 0; n < 5; n += 1) await happen('a.wanted', 's', n);
      await happen('a.other');
      const record = async (event: StoredEvent, tx: Transaction): Promise<void> =>
        tx.put(counters, `seen-${event.seq}`, Number(event.data));
      const stop = current().events.consume('reader', ['a.wanted'], record);
      await until(current(), 5);
      await stop();
      await happen('a.wanted', 's', 5);
      await reopen();
      current().events.consume('reader', ['a.wanted'], record);
      await happen('a.wanted', 's', 6);
      await until(current(), 7);
      expect((await current().list(counters)).map(({ id }) => id)).toEqual(
        [1, 2, 3, 4, 5, 7, 8].map((seq) => `seen-${seq}`),
      );
    });

    it('are retried with backoff when they throw, and keep the order', async () => {
      await happen('a.wanted');
      await happen('a.wanted');
      const seen: number[] = [];
      let failures = 3;
      current().events.consume('reader', ['a.wanted'], async (event, tx) => {
        tx.put(counters, `seen-${event.seq}`, 1);
        if (failures > 0) {
          failures -= 1;
          throw new Error('not yet');
        }
        seen.push(event.seq);
      });
      while (seen.length < 2) await clock().advance(1_000);
      await until(current(), 2);
      expect(seen).toEqual([1, 2]);
    });

    it('do not stand in the way of each other, nor of a stop', async () => {
      const stuck = current().events.consume('stuck', ['a.wanted'], () => Promise.reject(new Error('never')));
      current().events.consume('well', ['a.wanted'], async (event, tx) =>
        tx.put(counters, String(event.seq), 1),
      );
      await happen('a.wanted');
      await until(current(), 1);
      await stuck();
      expect(await current().list(counters)).toHaveLength(1);
    });

    it('may commit what conflicts with others: the effect still happens once', async () => {
      await put(counters, 'sum', 0);
      const add = (tx: Transaction): Promise<void> =>
        tx.get(counters, 'sum').then((sum) => tx.put(counters, 'sum', (sum ?? 0) + 1));
      current().events.consume('adder', ['a.wanted'], (_, tx) => add(tx));
      await Promise.all(
        Array.from({ length: 20 }, () =>
          current().transact(async (tx) => {
            await add(tx);
            emit(tx, 'a.wanted');
          }),
        ),
      );
      await until(current(), 40, async () => (await current().get(counters, 'sum')) ?? 0);
      expect(await current().get(counters, 'sum')).toBe(40);
    });

    it('hold back what they have not handled from being forgotten', async () => {
      const { events } = current();
      let open = false;
      const handled: number[] = [];
      for (let n = 1; n <= 5; n += 1) await happen('a.wanted');
      const stop = events.consume('slow', ['a.wanted'], async ({ seq }) => {
        if (seq > 3 && !open) throw new Error('not yet');
        handled.push(seq);
      });
      while (handled.length < 3) await clock().settle();
      while ((await events.oldest()) < 4) await events.forget(Infinity);
      expect(await events.forget(Infinity)).toBe(0);
      open = true;
      while (handled.length < 5) await clock().advance(1_000);
      while ((await events.oldest()) < 6) await events.forget(Infinity);
      expect(handled).toEqual([1, 2, 3, 4, 5]);
      await stop();
    });

    it('refuse a second one of the same name', () => {
      const idle = (): Promise<void> => Promise.resolve();
      current().events.consume('reader', ['x'], idle);
      expect(() => current().events.consume('reader', ['x'], idle)).toThrow(
        expect.objectContaining({ code: 'ERR_STORE_EXISTS' }),
      );
    });
  });
}

function outboxTests(current: () => Store, reopen: () => Promise<void>): void {
  const send = (...messages: OutboxMessage[]): Promise<void> =>
    current().transact(async (tx) => messages.forEach((each) => tx.send(each)));

  describe('outbox', () => {
    it('keeps messages in order per peer until they are settled, over restarts', async () => {
      await send(message('1'), message('2'), message('3', 'peer-b'));
      await send(message('4'));
      await reopen();
      const { outbox } = current();
      expect(await outbox.peers()).toEqual(['peer-a', 'peer-b']);
      for (const [id, sequence] of [
        ['1', 1],
        ['2', 2],
        ['4', 3],
      ] as const) {
        const next = await outbox.next('peer-a');
        expect(next).toEqual({ ...message(id), sequence });
        await current().transact(async (tx) => outbox.settle(tx, next!));
      }
      expect(await outbox.next('peer-a')).toBeUndefined();
      expect(await outbox.peers()).toEqual(['peer-b']);
      await send(message('5'));
      expect((await outbox.next('peer-a'))?.sequence).toBe(4);
    });

    it('settles in the transaction that records the answer, once', async () => {
      await send(message('1'));
      const next = await current().outbox.next('peer-a');
      const settle = (id: string): Promise<void> =>
        current().transact(async (tx) => {
          tx.put(counters, id, 1);
          current().outbox.settle(tx, next!);
        });
      await settle('first');
      await expect(settle('second')).rejects.toEqual(
        expect.objectContaining({ code: 'ERR_STORE_NOT_PENDING' }),
      );
      expect(await current().get(counters, 'second')).toBeUndefined();
    });

    it('tells listeners of the peers concerned, after the commit, until they unsubscribe', async () => {
      const told: (readonly string[])[] = [];
      const stop = current().outbox.onAdded((peers) => told.push(peers));
      await send(message('1'), message('2', 'peer-b'));
      await current().transact(async (tx) => emit(tx, 'a.happened'));
      expect(told).toEqual([['peer-a', 'peer-b']]);
      stop();
      await send(message('3'));
      expect(told).toHaveLength(1);
    });

    it('numbers messages of one peer without gaps whoever sends them', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => send(message(String(n)))));
      for (let sequence = 1; sequence <= 20; sequence += 1) {
        const next = await current().outbox.next('peer-a');
        expect(next?.sequence).toBe(sequence);
        await current().transact(async (tx) => current().outbox.settle(tx, next!));
      }
    });
  });
}

/** Waits, without a timer, until so many counters are there (or `measure` says so). */
async function until(store: Store, count: number, measure?: () => Promise<number>): Promise<void> {
  const found = measure ?? (async () => (await store.list(counters)).length);
  while ((await found()) < count) await new Promise((resolve) => setImmediate(resolve));
}
