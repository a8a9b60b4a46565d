import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bucketCollection } from '../../../../src/api/collection.ts';
import { AllocationAdapter } from '../../../../src/api/rest/yagna/payment/allocation-adapter.ts';
import { BillAdapter } from '../../../../src/api/rest/yagna/payment/bill-adapter.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import type { YagnaContext } from '../../../../src/api/rest/yagna/init.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { firstIdAt, newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { save } from '../support/fakes.ts';
import { AT, invoiceRecord } from '../support/samples.ts';
import { bookBuckets } from '../support/world.ts';
import { yagnaWorld } from './support/yagna-world.ts';

/** Bills made `secs` after `AT`, each with the id that its issuer made a few milliseconds before or after. */
async function bills(made: readonly { readonly secs: number; readonly idMs: number }[]) {
  const store = memoryStore({ clock: new FakeClock() });
  await store.start();
  const all = made.map(({ secs, idMs }, at) => {
    const createdAt = AT + secs * 1000;
    const invoiceId = `${firstIdAt(createdAt + idMs)}-7000-8000-${String(at).padStart(12, '0')}`;
    return { invoiceId, createdAt };
  });
  await store.transact(async (tx) => {
    for (const { invoiceId, createdAt } of all) {
      const { invoice } = invoiceRecord(invoiceId);
      tx.put(
        bookBuckets.invoices,
        invoiceId,
        invoiceRecord(invoiceId, { invoice: { ...invoice, createdAt } }),
      );
    }
  });
  const read = { count: 0 };
  const counting: typeof store.list = async (...query) => {
    const found = await store.list(...query);
    read.count += found.length;
    return found;
  };
  const reader = {
    get: store.get.bind(store),
    count: store.count.bind(store),
    list: counting,
  };
  const books = { invoices: bucketCollection(reader, bookBuckets.invoices, {}) };
  const context = { store, books } as unknown as YagnaContext;
  const platforms = new Platforms({}, []);
  const adapter = new BillAdapter(context, platforms, new AllocationAdapter(context, platforms));
  const list = async (afterMs: number, max: number): Promise<number[]> => {
    const times: number[] = [];
    for await (const listed of adapter.list('invoice', afterMs, max))
      times.push(Date.parse((listed as { timestamp: string }).timestamp));
    return times;
  };
  return { all, list, read };
}

it('lists bills in the order of their time, whatever the order of ids that were made at about the same time', async () => {
  const bill = fc.record({ secs: fc.nat(100), idMs: fc.integer({ min: -2_000, max: 2_000 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(bill, { minLength: 220, maxLength: 300 }),
      fc.integer({ min: -10, max: 100 }),
      fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(Infinity)),
      async (made, afterSecs, max) => {
        const { all, list } = await bills(made);
        const afterMs = AT + afterSecs * 1000;
        const times = all.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
        expect(await list(afterMs, max)).toEqual(times.filter((time) => time > afterMs).slice(0, max));
      },
    ),
    { numRuns: 20, endOnFailure: true },
  );
});

it('reads no more bills than it is asked for, and some, however many there are', async () => {
  const made = Array.from({ length: 3_000 }, (_, secs) => ({ secs, idMs: 0 }));
  const { list, read } = await bills(made);
  expect(await list(0, 10)).toEqual(Array.from({ length: 10 }, (_, secs) => AT + secs * 1000));
  expect(await list(AT + 1_499_000, 2)).toEqual([AT + 1_500_000, AT + 1_501_000]);
  expect(await list(AT + 2_999_000, 10)).toEqual([]);
  expect(read.count).toBeLessThan(600);
});

it('goes out as one JSON list, all there are of it where no number is named', async () => {
  const world = await yagnaWorld();
  const list = async (query: string): Promise<unknown> =>
    (await world.request('GET', `/payment-api/v1/invoices${query}`)).json();
  expect(await list('')).toEqual([]);
  const ids = Array.from({ length: 25 }, (_, at) => `${firstIdAt(AT)}-${String(at).padStart(4, '0')}`);
  for (const id of ids) await save(world.store, bookBuckets.invoices, id, invoiceRecord(id));
  const listed = ids.map((invoiceId) => expect.objectContaining({ invoiceId }) as unknown);
  expect(await list('')).toEqual(listed);
  expect(await list('?maxItems=3')).toEqual(listed.slice(0, 3));
  await world.stop();
});

it('knows where the ids of a time begin', () => {
  const before = Date.now();
  const id = newId();
  expect(id >= firstIdAt(before)).toBe(true);
  expect(id < firstIdAt(Date.now() + 1)).toBe(true);
});
