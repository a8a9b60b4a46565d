import { expect, it } from 'vitest';
import { AllocationAdapter } from '../../../../src/api/rest/yagna/payment/allocation-adapter.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import type { YagnaContext } from '../../../../src/api/rest/yagna/init.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { fakeAllocations } from '../support/fakes.ts';
import { REQUESTOR } from '../support/samples.ts';

it('lists no allocation whose time is up, and releases it', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  await store.start();
  const changes: string[] = [];
  const context = { store, clock, newId, address: REQUESTOR, allocations: fakeAllocations(store, changes) };
  const platforms = new Platforms({}, [{ platform: 'ledger', decimals: 18, symbol: 'ERG' }]);
  const adapter = new AllocationAdapter(context as unknown as YagnaContext, platforms);
  const request = { totalAmount: '1', makeDeposit: false };
  const timeout = clock.now() + 60_000;
  await adapter.create({ ...request, timeout });
  const lasting = await adapter.create(request);
  expect(await adapter.list()).toHaveLength(2);
  await clock.advance(60_000);
  expect(await adapter.list()).toEqual([lasting]);
  expect(changes.filter((change) => change.startsWith('release'))).toHaveLength(1);
});
