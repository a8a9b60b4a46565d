import { expect, it } from 'vitest';
import { agreeTo } from '../../../../src/api/rest/yagna/market/agree-to.ts';
import { Matcher } from '../../../../src/api/rest/yagna/market/matcher.ts';
import { PROPERTY, type Offer } from '../../../../src/interface/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { draft } from '../../../support/market-node.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';

const { properties } = draft();
const short = {
  ...properties,
  [PROPERTY.debitNoteIntervalSec]: 30,
  [PROPERTY.debitNoteIntervalMaxSec]: 30,
  [PROPERTY.paymentTimeoutSec]: 60,
  [PROPERTY.paymentTimeoutMaxSec]: 60,
};
/** As golem-js wishes it, whatever a provider has. */
const wishes = { [PROPERTY.debitNoteIntervalSec]: 120, [PROPERTY.paymentTimeoutSec]: 43_200 };

/** Which of one offer with these properties, held against a demand with those, its client is told of. */
async function told(offered: Offer['properties'], asked: Offer['properties']): Promise<string[]> {
  const clock = new FakeClock();
  const offer: Offer = {
    offerId: 'offer',
    provider: `0x${'1'.repeat(40)}`,
    peerId: 'peer',
    multiaddrs: [],
    properties: offered,
    constraints: '(&)',
    createdAt: 0,
    expiresAt: 1,
    signature: '0x',
  };
  const issued: string[] = [];
  const demand = { demandId: 'demand', client: { properties: {}, constraints: '(&)' }, properties: asked };
  const offers = {
    ...unused,
    explain: () => [{ offerId: 'offer', provider: offer.provider, result: true, unmet: [] }],
    get: () => offer,
    onChanged: () => () => undefined,
  };
  const matcher = new Matcher(
    { ...demand, constraints: '(&)', createdAt: 0, expiresAt: 1 },
    {
      clock,
      logger: silentLogger,
      market: { offers },
      issue: async ({ offerId }) => void issued.push(offerId),
      retract: async () => undefined,
    },
  );
  matcher.start();
  await clock.advance(1_000);
  matcher.stop();
  return issued;
}

const refuse = (): never => {
  throw new Error('not in this test');
};
const unused = {
  known: refuse,
  own: refuse,
  publish: refuse,
  offerByHand: refuse,
  takeBack: refuse,
  byHand: refuse,
  withdraw: refuse,
  refresh: refuse,
};

it('a client hears of an offer that grants less than it wishes of what can be negotiated, and of no other', async () => {
  expect(await told(short, wishes)).toEqual(['offer']);
  expect(await told(short, {})).toEqual(['offer']);
  expect(await told(short, { ...wishes, [PROPERTY.requestedMemoryBytes]: 2 ** 50 })).toEqual([]);
});

it("what is agreed to is the client's wish where the provider grants it, and else the provider's word", () => {
  const offer = { properties: short };
  expect(agreeTo({ properties: wishes }, offer).properties).toEqual({
    [PROPERTY.debitNoteIntervalSec]: 30,
    [PROPERTY.paymentTimeoutSec]: 60,
  });
  const modest = { properties: { [PROPERTY.debitNoteIntervalSec]: 20 } };
  expect(agreeTo(modest, offer)).toEqual(modest);
});
