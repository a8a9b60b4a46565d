import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Allocation, Allocations, PaymentDriver } from '../../../src/interface/payment.ts';
import type { Store } from '../../../src/interface/store.ts';
import { allocations, spend } from '../../../src/payment/allocations.ts';
import { driverRegistry } from '../../../src/payment/registry.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const driver: PaymentDriver = {
  platform: 'ledger',
  decimals: 18,
  symbol: 'ERG',
  pay: async () => 'none',
  start: async () => undefined,
  stop: async () => undefined,
};
let store: Store;
let room: Allocations;

beforeEach(async () => {
  const clock = new FakeClock();
  store = memoryStore({ clock });
  await store.start();
  room = allocations({ store, clock, drivers: driverRegistry([driver]) });
});
afterEach(() => store.stop());

const take = (agreementId: string, sum: bigint): Promise<string | undefined> =>
  store.transact(async (tx) => (await spend(tx, { agreementId, platform: 'ledger' }, sum))?.code);
const whole = ({ total, spent, remaining }: Allocation): boolean =>
  BigInt(total) === BigInt(spent) + BigInt(remaining);

describe('allocations', () => {
  it('always hold what is spent and what remains, whoever spends at the same time', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 0n, max: 1000n }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.bigInt({ min: 0n, max: 400n })), { maxLength: 12 }),
        async (total, sums) => {
          round += 1;
          const id = `alloc${round}`;
          await room.create({ allocationId: id, platform: 'ledger', total: total.toString() });
          for (const name of ['a', 'b']) await room.assign(`${name}${round}`, id);
          const results = await Promise.all(
            sums.map(async ([name, sum]) => ((await take(`${name}${round}`, sum)) === undefined ? sum : 0n)),
          );
          const allocation = (await room.get(id))!;
          expect(whole(allocation)).toBe(true);
          expect(BigInt(allocation.spent)).toBe(results.reduce((all, sum) => all + sum, 0n));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('say why nothing can be taken', async () => {
    expect(await take('agr', 1n)).toBe('NoAllocation');
    await room.create({ allocationId: 'x', platform: 'ledger', total: '10' });
    await room.assign('agr', 'x');
    expect(await take('agr', 11n)).toBe('AllocationExceeded');
    expect(await take('agr', 10n)).toBeUndefined();
    const other = (tx: Parameters<Parameters<Store['transact']>[0]>[0]) =>
      spend(tx, { agreementId: 'agr', platform: 'erc20' }, 0n);
    expect((await store.transact(other))?.code).toBe('WrongPlatform');
  });

  it('are made, assigned and released once, however often it is asked', async () => {
    const request = { allocationId: 'x', platform: 'ledger', total: '10' };
    const made = await room.create(request);
    expect(await room.create(request)).toEqual(made);
    await expect(room.create({ ...request, total: '11' })).rejects.toMatchObject({
      code: 'ERR_PAYMENT_ALLOCATION_CONFLICT',
    });
    await expect(room.create({ ...request, allocationId: 'y', platform: 'gold' })).rejects.toMatchObject({
      code: 'ERR_PAYMENT_PLATFORM',
    });
    await room.assign('agr', 'x');
    await room.assign('agr', 'x');
    await room.create({ ...request, allocationId: 'y' });
    await expect(room.assign('agr', 'y')).rejects.toMatchObject({ code: 'ERR_PAYMENT_ALLOCATION_CONFLICT' });
    await expect(room.assign('agr2', 'z')).rejects.toMatchObject({
      code: 'ERR_PAYMENT_ALLOCATION_NOT_FOUND',
    });
    await room.release('x');
    await room.release('x');
    await expect(room.assign('agr2', 'x')).rejects.toMatchObject({ code: 'ERR_PAYMENT_ALLOCATION_RELEASED' });
    // What was ordered before is still paid.
    expect(await take('agr', 4n)).toBeUndefined();
    expect(await room.get('x')).toMatchObject({ released: true, spent: '4', remaining: '6' });
  });
});
