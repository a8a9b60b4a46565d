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
import { AT, invoiceRecord } from '../support/samples.ts';
import { bookBuckets } from '../support/world.ts';

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
  const list = async (afterMs: number, max: number): Promise<number[]> =>
    ((await adapter.list('invoice', afterMs, max)) as { timestamp: string }[]).map(({ timestamp }) =>
      Date.parse(timestamp),
    );
  return { all, list, read };
}

it('lists bills in the order of their time, whatever the order of ids that were made at about the same time', async () => {
  const bill = fc.record({ secs: fc.nat(400), idMs: fc.integer({ min: -2_000, max: 2_000 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(bill, { minLength: 100, maxLength: 300 }),
      fc.integer({ min: -10, max: 400 }),
      fc.integer({ min: 1, max: 20 }),
      async (made, afterSecs, max) => {
        const { all, list } = await bills(made);
        const afterMs = AT + afterSecs * 1000;
        const times = all.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
        expect(await list(afterMs, max)).toEqual(times.filter((time) => time > afterMs).slice(0, max));
      },
    ),
    { numRuns: 30 },
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

it('knows where the ids of a time begin', () => {
  const before = Date.now();
  const id = newId();
  expect(id >= firstIdAt(before)).toBe(true);
  expect(id < firstIdAt(Date.now() + 1)).toBe(true);
});
