import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROPERTY } from '../../../src/interface/property-names.ts';
import { offerBucket } from '../../../src/market/index.ts';
import { memoryNetwork, type MemoryHub } from '../../../src/network/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MarketNode, TOTAL, draft } from '../../support/market-node.ts';

let clock: FakeClock;
let hub: MemoryHub;
let provider: MarketNode;
let requestor: MarketNode;

beforeEach(async () => {
  clock = new FakeClock();
  hub = memoryNetwork({ clock });
  provider = new MarketNode('provider', hub, clock, { offerLifetimeMs: 60_000, announceIntervalMs: 10_000 });
  requestor = new MarketNode('requestor', hub, clock);
  await provider.start();
});

afterEach(async () => {
  await provider.stop();
  await requestor.stop();
});

const known = () => requestor.market.offers.known();
const names = () => known().map((offer) => offer.properties[PROPERTY.preset]);

describe('offers', () => {
  it('are handed to who connects later', async () => {
    await provider.market.offers.publish({ default: draft() });
    await requestor.start();
    await clock.settle();
    expect(known()).toEqual(await provider.market.offers.own());
  });

  it('reach a node that knows the provider only through another', async () => {
    const between = new MarketNode('between', hub, clock);
    await between.start();
    hub.disconnect(provider.identity.peerId, requestor.identity.peerId);
    await provider.market.offers.publish({ default: draft() });
    await clock.settle();
    await requestor.start();
    await clock.settle();
    expect(known()).toHaveLength(1);
    await between.stop();
  });

  it('go when the slots are full, and are back at once when an activity gives some back', async () => {
    await requestor.start();
    await provider.market.offers.publish({ default: draft() });
    const { store, slots } = provider;
    await store.transact((tx) => slots.reserve(tx, 'agr', TOTAL));
    await provider.market.offers.refresh();
    await clock.settle();
    expect(known()).toEqual([]);
    await store.transact(async (tx) => {
      await slots.releaseEnded(tx, 'agr');
      tx.emit({ type: 'activity.ended', subject: 'act', data: {} });
    });
    await clock.settle();
    expect(known()).toHaveLength(1);
  });

  it('are renewed under their id before they expire, and announced again', async () => {
    await requestor.start();
    await provider.market.offers.publish({ default: draft() });
    await clock.settle();
    const [first] = known();
    await clock.advance(300_000);
    const [renewed] = known();
    expect(known()).toHaveLength(1);
    expect(renewed).toMatchObject({ offerId: first!.offerId });
    expect(renewed!.expiresAt).toBeGreaterThan(clock.now());
  });

  it('are forgotten when they have expired', async () => {
    await provider.market.offers.publish({ default: draft('1') });
    await provider.market.offers.publish({ default: draft('2') });
    const recorded = async () => (await provider.store.list(offerBucket)).length;
    expect(await recorded()).toBe(2);
    await clock.advance(80_000);
    expect(await recorded()).toBe(1);
  });

  it('go when their preset goes, and are new when its price changes', async () => {
    await requestor.start();
    const preset = (name: string) => ({ name, prices: {}, startPrice: '1' });
    await provider.market.offers.publish({
      a: draft('1', { preset: preset('a') }),
      b: draft('1', { preset: preset('b') }),
    });
    await clock.settle();
    expect(names()).toEqual(['a', 'b']);
    const [a] = known();
    await provider.market.offers.publish({ a: draft('2', { preset: { ...preset('a'), startPrice: '2' } }) });
    await clock.settle();
    expect(names()).toEqual(['a']);
    expect(known()[0]!.offerId).not.toBe(a!.offerId);
    await provider.market.offers.withdraw(['a']);
    await clock.settle();
    expect(known()).toEqual([]);
  });

  it('are the same after a restart', async () => {
    await requestor.start();
    const before = await provider.market.offers.publish({ default: draft() });
    await provider.restart();
    expect(await provider.market.offers.publish({ default: draft() })).toEqual(before);
  });

  it('are not taken back in from others', async () => {
    await requestor.start();
    await provider.market.offers.publish({ default: draft() });
    await clock.advance(30_000);
    expect(provider.market.offers.known()).toEqual([]);
  });

  it('explain what keeps them from matching', async () => {
    await requestor.start();
    await provider.market.offers.publish({ default: draft() });
    await clock.settle();
    const [explained] = requestor.market.offers.explain({
      properties: {},
      constraints: '(golem.runtime.name=vm)',
    });
    expect(explained).toMatchObject({
      provider: provider.identity.address,
      result: false,
      unmet: [{ term: '(golem.runtime.name=vm)', explanation: 'golem.runtime.name is "wasi"' }],
    });
  });

  it('that a stranger altered are not taken', async () => {
    await requestor.start();
    const [offer] = await provider.market.offers.publish({ default: draft() });
    hub.disconnect(provider.identity.peerId, requestor.identity.peerId);
    const liar = new MarketNode('liar', hub, clock);
    await liar.start();
    await liar.network.announce('/ergon/offers/1', { ...offer!, offerId: 'better', constraints: '(&)' });
    await clock.settle();
    expect(requestor.market.offers.get('better')).toBeUndefined();
    await liar.stop();
  });
});
