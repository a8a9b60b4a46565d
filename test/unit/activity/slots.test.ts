import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { occupancies, reservations } from '../../../src/activity/records.ts';
import { slotLedger, type SlotLedger } from '../../../src/activity/slots.ts';
import type { Resources, SlotAmounts, Store } from '../../../src/interface/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

const TOTAL: SlotAmounts = { cpuThreads: 8, memoryBytes: 8000, storageBytes: 8000 };
const NOTHING: SlotAmounts = { cpuThreads: 0, memoryBytes: 0, storageBytes: 0 };
const clock = new FakeClock();

function ledgerOver(store: Store, total = TOTAL): SlotLedger {
  return slotLedger({ total }, { store, clock, logger: silentLogger });
}

function add(a: SlotAmounts, b: SlotAmounts): SlotAmounts {
  return {
    cpuThreads: a.cpuThreads + b.cpuThreads,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    storageBytes: a.storageBytes + b.storageBytes,
  };
}

async function reserved(store: Store): Promise<SlotAmounts> {
  const held = await store.list(reservations);
  return held.reduce((sum, { value }) => add(sum, value.resources), NOTHING);
}

const resources = (n: number): Resources => ({ cpuThreads: n, memoryBytes: n * 1000, storageBytes: n * 10 });

describe('slot ledger', () => {
  let store: Store;
  let ledger: SlotLedger;

  beforeEach(async () => {
    store = memoryStore({ clock });
    await store.start();
    ledger = ledgerOver(store);
  });

  it('holds and gives back', async () => {
    await store.transact((tx) => ledger.reserve(tx, 'a', resources(3)));
    expect(await ledger.free(store)).toEqual({ cpuThreads: 5, memoryBytes: 5000, storageBytes: 7970 });
    await store.transact((tx) => ledger.release(tx, 'a'));
    expect(await ledger.free(store)).toEqual(TOTAL);
  });

  it('refuses what does not fit, with the figures, and changes nothing', async () => {
    await store.transact((tx) => ledger.reserve(tx, 'a', resources(6)));
    await expect(store.transact((tx) => ledger.reserve(tx, 'b', resources(3)))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_SLOTS_FULL',
      detail: { free: { cpuThreads: 2 }, asked: { cpuThreads: 3 } },
    });
    expect(await reserved(store)).toEqual(resources(6));
  });

  it('may be made smaller than what is held: that stays, and nothing new fits until it has gone', async () => {
    await store.transact((tx) => ledger.reserve(tx, 'a', resources(6)));
    ledger.resize({ cpuThreads: 4, memoryBytes: 4000, storageBytes: 4000 });
    expect(ledger.total.cpuThreads).toBe(4);
    expect((await ledger.free(store)).cpuThreads).toBe(-2);
    expect(await ledger.audit()).toMatchObject({ overcommitted: true });
    await expect(store.transact((tx) => ledger.reserve(tx, 'b', resources(1)))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_SLOTS_FULL',
    });
    await store.transact((tx) => ledger.release(tx, 'a'));
    await store.transact((tx) => ledger.reserve(tx, 'b', resources(4)));
    expect((await ledger.free(store)).cpuThreads).toBe(0);
  });

  it('is idempotent by agreement, and refuses another amount for the same one', async () => {
    for (let i = 0; i < 2; i += 1) await store.transact((tx) => ledger.reserve(tx, 'a', resources(3)));
    expect(await reserved(store)).toEqual(resources(3));
    await expect(store.transact((tx) => ledger.reserve(tx, 'a', resources(4)))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_SLOTS_CONFLICT',
    });
    await store.transact((tx) => ledger.release(tx, 'never held'));
    expect(await reserved(store)).toEqual(resources(3));
  });

  it('keeps the slots of an agreement under its live activity', async () => {
    const occupancy = { agreementId: 'a', idleSince: 0, idleTimeoutMs: 0, expiresAt: 1 };
    await store.transact(async (tx) => {
      await ledger.reserve(tx, 'a', resources(3));
      tx.put(occupancies, 'a', { ...occupancy, activityId: 'x', used: true, closing: false });
    });
    await store.transact((tx) => ledger.release(tx, 'a'));
    expect(await reserved(store)).toEqual(resources(3));
    await store.transact((tx) => ledger.releaseEnded(tx, 'a'));
    expect(await ledger.free(store)).toEqual(TOTAL);
  });

  it('reports totals lowered below what is reserved, and breaks nothing', async () => {
    await store.transact((tx) => ledger.reserve(tx, 'a', resources(6)));
    const lowered = ledgerOver(store, resources(4));
    expect(await lowered.audit()).toMatchObject({ overcommitted: true, free: { cpuThreads: -2 } });
    expect(await reserved(store)).toEqual(resources(6));
    await expect(store.transact((tx) => lowered.reserve(tx, 'b', resources(1)))).rejects.toThrow();
    await store.transact((tx) => lowered.release(tx, 'a'));
    expect(await lowered.audit()).toMatchObject({ overcommitted: false, free: resources(4) });
  });

  it('free + Σ reserved = total, after any sequence of concurrent, repeated and crashing changes', async () => {
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'release', 'restart'),
      agreementId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      size: fc.integer({ min: 1, max: 8 }),
      crashes: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
        async (rounds) => {
          const books = memoryStore({ clock });
          await books.start();
          let current = ledgerOver(books);
          for (const round of rounds) {
            const outcomes = round.map((one) =>
              books.transact(async (tx) => {
                if (one.kind === 'restart') current = ledgerOver(books);
                if (one.kind === 'reserve') await current.reserve(tx, one.agreementId, resources(one.size));
                if (one.kind === 'release') await current.release(tx, one.agreementId);
                if (one.crashes) throw new Error('killed before the commit');
              }),
            );
            await Promise.allSettled(outcomes);
            const held = await reserved(books);
            expect(add(await current.free(books), held)).toEqual(TOTAL);
            expect(held.cpuThreads).toBeLessThanOrEqual(TOTAL.cpuThreads);
            expect(held.memoryBytes).toBeLessThanOrEqual(TOTAL.memoryBytes);
          }
          await books.stop();
        },
      ),
      { numRuns: 150 },
    );
  });
});
