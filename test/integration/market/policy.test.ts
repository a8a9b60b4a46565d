import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryNetwork, type MemoryHub } from '../../../src/network/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MarketNode, draft, finish, never, wish } from '../../support/market-node.ts';

let clock: FakeClock;
let hub: MemoryHub;
let provider: MarketNode;
let requestor: MarketNode;

beforeEach(async () => {
  clock = new FakeClock();
  hub = memoryNetwork({ clock });
  provider = new MarketNode('provider', hub, clock);
  requestor = new MarketNode('requestor', hub, clock);
  await provider.start();
  await requestor.start();
  await provider.market.offers.publish({ default: draft() });
  await clock.settle();
});
afterEach(async () => {
  await requestor.stop();
  await provider.stop();
});

const request = (id: string) => finish(clock, requestor.market.request(wish(id, clock), never));

describe('a policy that changes while the market runs', () => {
  it('closes the provider to everyone, and opens it again; what was agreed on stands', async () => {
    expect((await request('a1')).state).toBe('Approved');
    provider.market.changePolicy({ closed: { code: 'ProviderPaused', message: 'The provider is paused' } });
    await expect(request('a2')).rejects.toMatchObject({
      code: 'ERR_MARKET_NOBODY_AGREED',
      message: expect.stringContaining('paused'),
    });
    expect((await provider.market.get('a1'))?.state).toBe('Approved');
    provider.market.changePolicy({ closed: undefined });
    expect((await request('a3')).state).toBe('Approved');
  });

  it('takes new lists and a new number of agreements', async () => {
    const { address } = requestor.identity;
    provider.market.changePolicy({ requestors: { allow: [], deny: [address] } });
    await expect(request('a1')).rejects.toMatchObject({ code: 'ERR_MARKET_NOBODY_AGREED' });
    provider.market.changePolicy({ requestors: { allow: [address], deny: [] }, maxAgreements: 1 });
    expect((await request('a2')).state).toBe('Approved');
    await expect(request('a3')).rejects.toMatchObject({ code: 'ERR_MARKET_NOBODY_AGREED' });
    provider.market.changePolicy({ maxAgreements: 2 });
    expect((await request('a4')).state).toBe('Approved');
  });
});
