import { beforeEach, describe, expect, it } from 'vitest';
import type { Offer } from '../../../../src/interface/market.ts';
import { PROPERTY } from '../../../../src/interface/property-names.ts';
import { receiveOffer } from '../../../../src/market/offers/check-offer.ts';
import { OfferBook } from '../../../../src/market/offers/offer-book.ts';
import { addressOfPeerId } from '../../../../src/network/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { testIdentity, testVerifier, type TestIdentity } from '../../../support/identities.ts';
import { draft } from '../../../support/market-node.ts';

const alice = testIdentity('alice');
const bob = testIdentity('bob');
const checks = { verifier: testVerifier, addressOfPeerId };
const HOUR = 3_600_000;

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

async function offerOf(by: TestIdentity, over: Partial<Offer> = {}): Promise<Offer> {
  const { properties, constraints } = draft();
  const unsigned = {
    offerId: 'o1',
    provider: by.address,
    peerId: by.peerId,
    multiaddrs: [],
    properties,
    constraints,
    createdAt: clock.now(),
    expiresAt: clock.now() + HOUR,
    ...over,
  };
  return { ...unsigned, signature: await by.signer.sign('Offer', unsigned) };
}

const receive = (offer: unknown) => receiveOffer(offer, clock.now(), checks);

describe('a received offer', () => {
  it('is taken when all is right', async () => {
    const offer = await offerOf(alice);
    expect(receive(offer)).toEqual({ offer, filter: { kind: 'and', items: [] } });
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['is none', 'ERR_CHECK_INVALID', async () => ({ offer: 1 })],
    ['has something more', 'ERR_CHECK_INVALID', async () => ({ ...(await offerOf(alice)), more: 1 })],
    [
      'was changed',
      'ERR_MARKET_SIGNATURE',
      async () => ({ ...(await offerOf(alice)), constraints: '(a=1)' }),
    ],
    [
      'was signed by another',
      'ERR_MARKET_SIGNATURE',
      async () => ({ ...(await offerOf(alice)), signature: (await offerOf(bob)).signature }),
    ],
    ["names another's peer", 'ERR_MARKET_OFFER_INVALID', async () => offerOf(alice, { peerId: bob.peerId })],
    ['names no peer', 'ERR_MARKET_OFFER_INVALID', async () => offerOf(alice, { peerId: '1'.repeat(46) })],
    ['has expired', 'ERR_MARKET_OFFER_INVALID', async () => offerOf(alice, { expiresAt: clock.now() })],
    [
      'is from the future',
      'ERR_MARKET_OFFER_INVALID',
      async () => offerOf(alice, { createdAt: clock.now() + HOUR }),
    ],
    [
      'lives too long',
      'ERR_MARKET_OFFER_INVALID',
      async () => offerOf(alice, { expiresAt: clock.now() + 25 * HOUR }),
    ],
    [
      'is too large',
      'ERR_MARKET_OFFER_INVALID',
      async () => offerOf(alice, { properties: { x: Array.from({ length: 16 }, () => 'x'.repeat(4096)) } }),
    ],
    ['asks nonsense', 'ERR_MARKET_CONSTRAINT_SYNTAX', async () => offerOf(alice, { constraints: '(a' })],
  ])('that %s is refused with %s', async (_what, code, make) => {
    const offer = await make();
    expect(() => receive(offer)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the offer book', () => {
  const book = (init: Partial<{ maxOffers: number; maxOffersPerProvider: number }> = {}) =>
    new OfferBook({ maxOffers: 3, maxOffersPerProvider: 2, ...init }, { clock });
  const add = async (to: OfferBook, by: TestIdentity, over: Partial<Offer> = {}) =>
    to.add(receive(await offerOf(by, over)));
  const ids = (of: OfferBook) => of.list().map(({ offer }) => offer.offerId);

  it('drops what has expired', async () => {
    const offers = book();
    await add(offers, alice);
    await clock.advance(HOUR);
    expect(offers.list()).toEqual([]);
    expect(offers.get('o1')).toBeUndefined();
  });

  it('keeps room for a provider that sells out and comes back again and again', async () => {
    const offers = book();
    for (let turn = 1; turn <= 5; turn += 1) {
      const offerId = `o${turn}`;
      expect(await add(offers, alice, { offerId })).toBe(true);
      expect(ids(offers)).toEqual([offerId]);
      await add(offers, alice, { offerId, properties: { [PROPERTY.withdrawn]: true } });
    }
    // What is on offer is never forgotten for more of the same.
    for (const offerId of ['o6', 'o7']) expect(await add(offers, alice, { offerId })).toBe(true);
    expect(await add(offers, alice, { offerId: 'o8' })).toBe(false);
  });

  it('takes a newer issue of an offer, and a withdrawal for good', async () => {
    const offers = book();
    const old = receive(await offerOf(alice));
    expect(offers.add(old)).toBe(true);
    expect(offers.add(old)).toBe(false);
    expect(await add(offers, alice, { createdAt: clock.now() + 1, multiaddrs: ['/memory/x'] })).toBe(true);
    expect(offers.get('o1')?.offer.multiaddrs).toEqual(['/memory/x']);
    expect(offers.add(old)).toBe(false);
    await add(offers, alice, { properties: { [PROPERTY.withdrawn]: true } });
    expect(offers.list()).toEqual([]);
    expect(await add(offers, alice, { createdAt: clock.now() + 2 })).toBe(false);
  });

  it("does not let one provider take another's id", async () => {
    const offers = book();
    await add(offers, alice);
    await add(offers, bob, { createdAt: clock.now() + 1, properties: { [PROPERTY.withdrawn]: true } });
    expect(offers.get('o1')?.offer.provider).toBe(alice.address);
  });

  it('is bounded: for each provider, and in all, keeping what lives longest', async () => {
    const offers = book();
    await add(offers, alice, { offerId: 'o1' });
    await add(offers, alice, { offerId: 'o2', expiresAt: clock.now() + HOUR / 2 });
    expect(await add(offers, alice, { offerId: 'o3' })).toBe(false);
    await add(offers, bob, { offerId: 'o4' });
    expect(await add(offers, testIdentity('carol'), { offerId: 'o5', expiresAt: clock.now() + 1 })).toBe(
      false,
    );
    expect(await add(offers, testIdentity('carol'), { offerId: 'o6' })).toBe(true);
    expect(ids(offers)).toEqual(['o1', 'o4', 'o6']);
  });
});
