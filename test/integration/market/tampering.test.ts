import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agreement, AgreementRecord, Offer } from '../../../src/interface/market.ts';
import type { JsonValue } from '../../../src/interface/store.ts';
import { agreementBucket, proposalBucket } from '../../../src/market/index.ts';
import { memoryNetwork, type MemoryHub } from '../../../src/network/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MarketNode, TOTAL, draft, finish, never, wish } from '../../support/market-node.ts';

const PROTOCOL = '/ergon/market/1';

let clock: FakeClock;
let hub: MemoryHub;
let provider: MarketNode;
let requestor: MarketNode;
let stranger: MarketNode;

beforeEach(async () => {
  clock = new FakeClock();
  hub = memoryNetwork({ clock });
  [provider, requestor, stranger] = ['provider', 'requestor', 'stranger'].map(
    (name) => new MarketNode(name, hub, clock),
  ) as [MarketNode, MarketNode, MarketNode];
  for (const node of [provider, requestor, stranger]) await node.start();
  await provider.market.offers.publish({ default: draft() });
  await clock.settle();
});

afterEach(async () => {
  for (const node of [provider, requestor, stranger]) await node.stop();
});

const ask = (from: MarketNode, to: MarketNode, kind: string, body: unknown) =>
  from.network.request(to.identity.peerId, PROTOCOL, kind, body as JsonValue);

async function signed(node: MarketNode, agreement: Agreement) {
  return { agreement, signature: await node.identity.signer.sign('Agreement', agreement) };
}

/** A well-made agreement that was never sent. */
async function proposal(): Promise<{ agreement: Agreement; signature: string }> {
  const offer = requestor.market.offers.known()[0]!;
  const demand = {
    demandId: 'd1',
    requestor: requestor.identity.address,
    peerId: requestor.identity.peerId,
    properties: {},
    constraints: '',
    createdAt: clock.now(),
    expiresAt: clock.now() + 3_600_000,
  };
  const { agreement } = await requestor.market.create({
    agreementId: 'a1',
    offer,
    demand,
    expiresAt: demand.expiresAt,
  });
  return signed(requestor, agreement);
}

async function untouched(): Promise<void> {
  expect(await provider.store.get(agreementBucket, 'a1')).toBeUndefined();
  expect(await provider.slots.free(provider.store)).toEqual(TOTAL);
  expect(await provider.events()).toEqual([]);
}

describe('a proposed agreement', () => {
  it.each<[string, string, (agreement: Agreement) => Agreement]>([
    [
      'price',
      'ERR_MARKET_AGREEMENT_INVALID',
      (a) => ({ ...a, terms: { ...a.terms, pricing: { ...a.terms.pricing, startPrice: '0' } } }),
    ],
    [
      'resources',
      'ERR_MARKET_AGREEMENT_INVALID',
      (a) => ({ ...a, terms: { ...a.terms, resources: { ...a.terms.resources, memoryBytes: 2 ** 40 } } }),
    ],
    [
      'offer',
      'ERR_MARKET_SIGNATURE',
      (a) => ({
        ...a,
        offer: { ...a.offer, properties: { ...a.offer.properties, 'golem.inf.mem.gib': 99 } },
      }),
    ],
    [
      "offer's signature",
      'ERR_MARKET_SIGNATURE',
      (a) => ({ ...a, offer: { ...a.offer, signature: `0x${'11'.repeat(64)}1b` } }),
    ],
    ['provider', 'ERR_MARKET_NOT_A_PARTY', (a) => ({ ...a, provider: stranger.identity.address })],
    ['requestor', 'ERR_MARKET_NOT_A_PARTY', (a) => ({ ...a, requestor: stranger.identity.address })],
    [
      "demand's requestor",
      'ERR_MARKET_NOT_A_PARTY',
      (a) => ({ ...a, demand: { ...a.demand, requestor: stranger.identity.address } }),
    ],
    [
      "demand's peer",
      'ERR_MARKET_NOT_A_PARTY',
      (a) => ({ ...a, demand: { ...a.demand, peerId: stranger.identity.peerId } }),
    ],
    ['time to approve', 'ERR_MARKET_AGREEMENT_INVALID', (a) => ({ ...a, approveBy: clock.now() })],
    [
      'longer time to approve',
      'ERR_MARKET_AGREEMENT_INVALID',
      (a) => ({ ...a, approveBy: clock.now() + 3_600_001, expiresAt: a.expiresAt + 9999 }),
    ],
    ['end', 'ERR_MARKET_AGREEMENT_INVALID', (a) => ({ ...a, expiresAt: a.demand.expiresAt + 1 })],
    ['beginning', 'ERR_MARKET_AGREEMENT_INVALID', (a) => ({ ...a, createdAt: clock.now() + 3_000_000 })],
    ['filter', 'ERR_MARKET_CONSTRAINT_SYNTAX', (a) => ({ ...a, demand: { ...a.demand, constraints: '(a' } })],
  ])('with another %s is refused with %s, though its sender signed it', async (_what, code, change) => {
    const forged = await signed(requestor, change((await proposal()).agreement));
    await expect(ask(requestor, provider, 'agreement.propose', forged)).rejects.toMatchObject({
      detail: { code },
    });
    await untouched();
  });

  it('changed after it was signed, or signed by another, is refused with ERR_MARKET_SIGNATURE', async () => {
    const good = await proposal();
    const changed = { ...good, agreement: { ...good.agreement, expiresAt: good.agreement.expiresAt - 1 } };
    await expect(ask(requestor, provider, 'agreement.propose', changed)).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_SIGNATURE' },
    });
    const others = { ...good, signature: (await signed(stranger, good.agreement)).signature };
    await expect(ask(requestor, provider, 'agreement.propose', others)).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_SIGNATURE' },
    });
    await expect(ask(stranger, provider, 'agreement.propose', good)).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_NOT_A_PARTY' },
    });
    await untouched();
  });

  it('of an offer that was withdrawn is refused', async () => {
    const good = await proposal();
    await provider.market.offers.withdraw();
    await expect(ask(requestor, provider, 'agreement.propose', good)).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_OFFER_NOT_FOUND' },
    });
    await untouched();
  });

  it('under an id that is taken is refused', async () => {
    const good = await proposal();
    await ask(requestor, provider, 'agreement.propose', good);
    const second = await signed(requestor, { ...good.agreement, expiresAt: good.agreement.expiresAt - 1 });
    await expect(ask(requestor, provider, 'agreement.propose', second)).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_AGREEMENT_CONFLICT' },
    });
    expect((await provider.store.get(agreementBucket, 'a1'))?.digest).toBe(
      (await requestor.market.get('a1'))?.digest,
    );
  });
});

describe('in flight', () => {
  it('an approval that somebody else signed is not believed', async () => {
    hub.fault(({ kind }) =>
      kind === 'agreement.propose'
        ? {
            type: 'replace-answer',
            answer: { state: 'Approved', signature: `0x${'11'.repeat(64)}1b`, approvedAt: clock.now() },
          }
        : undefined,
    );
    const asked = finish(clock, requestor.market.request(wish('a1', clock), never));
    await expect(asked).rejects.toMatchObject({
      detail: { providers: [{ reason: { code: 'InvalidSignature' } }] },
    });
    expect(await requestor.market.get('a1')).toMatchObject({
      state: 'Rejected',
      reason: { code: 'InvalidSignature' },
    });
  });

  it('a counter-offer that the provider did not sign is not believed', async () => {
    hub.fault(({ kind }) => {
      if (kind !== 'proposal.send') return undefined;
      const offer = requestor.market.offers.known()[0]!;
      const forged: Offer = { ...offer, properties: { ...offer.properties, 'golem.inf.mem.gib': 99 } };
      return { type: 'replace-answer', answer: { type: 'counter', proposalId: 'x', offer: forged } };
    });
    const asked = finish(clock, requestor.market.request(wish('a1', clock), never));
    await expect(asked).rejects.toMatchObject({
      detail: { providers: [{ reason: { detail: { code: 'ERR_MARKET_SIGNATURE' } } }] },
    });
    expect(await requestor.market.get('a1')).toBeUndefined();
  });

  it("a termination is only taken from the other party, with that party's signature", async () => {
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    const make = async (by: 'requestor' | 'provider', signer: MarketNode) => {
      const unsigned = { agreementId: 'a1', by, reason: { code: 'X', message: 'x' }, at: clock.now() };
      return { ...unsigned, signature: await signer.identity.signer.sign('Termination', unsigned) };
    };
    const good = await make('requestor', requestor);
    const refusals: [MarketNode, object, string][] = [
      [stranger, good, 'ERR_MARKET_NOT_A_PARTY'],
      [stranger, await make('requestor', stranger), 'ERR_MARKET_NOT_A_PARTY'],
      [requestor, await make('provider', requestor), 'ERR_MARKET_NOT_A_PARTY'],
      [requestor, await make('requestor', stranger), 'ERR_MARKET_SIGNATURE'],
      [requestor, { ...good, reason: { code: 'Y', message: 'x' } }, 'ERR_MARKET_SIGNATURE'],
    ];
    for (const [from, termination, code] of refusals) {
      await expect(ask(from, provider, 'agreement.terminate', { termination })).rejects.toMatchObject({
        detail: { code },
      });
    }
    expect((await provider.market.get('a1'))?.state).toBe('Approved');
    expect(await ask(requestor, provider, 'agreement.terminate', { termination: good })).toEqual({
      state: 'Terminated',
    });
  });

  it('nobody learns of an agreement or a proposal that is not his', async () => {
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    expect(await ask(stranger, provider, 'agreement.get', { id: 'a1' })).toEqual({ state: 'Unknown' });
    expect(await ask(stranger, provider, 'agreement.get', { id: 'a2' })).toEqual({ state: 'Unknown' });
    const [offer] = requestor.market.offers.known();
    const { address: owner, peerId } = requestor.identity;
    const demand = {
      demandId: 'd1',
      requestor: owner,
      peerId,
      properties: {},
      constraints: '',
      createdAt: clock.now(),
      expiresAt: clock.now() + 3_600_000,
    };
    await requestor.market.proposals.send({ proposalId: 'p1', offer: offer!, demand }, never);
    expect(await provider.store.get(proposalBucket, 'p1')).toBeDefined();
    await expect(ask(stranger, provider, 'proposal.get', { id: 'p1' })).rejects.toMatchObject({
      detail: { code: 'ERR_MARKET_PROPOSAL_NOT_FOUND' },
    });
  });

  it('any other body is refused at the door and changes nothing', async () => {
    const kinds = [
      'offers.list',
      'proposal.send',
      'proposal.get',
      'proposal.reject',
      'agreement.propose',
      'agreement.get',
      'agreement.terminate',
    ];
    const body = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          id: fc.jsonValue(),
          agreement: fc.jsonValue(),
          termination: fc.jsonValue(),
          demand: fc.jsonValue(),
          proposalId: fc.constantFrom('p1', '../p1'),
          reason: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), body, async (kind, value) => {
        const answer = await ask(stranger, provider, kind, value).catch((error: unknown) => error);
        if (answer instanceof Error) {
          expect((answer as { detail?: { code?: string } }).detail?.code).toMatch(
            /^ERR_(NETWORK_INVALID|MARKET_)/,
          );
        }
      }),
      { numRuns: 200 },
    );
    await untouched();
  });
});

describe('at rest', () => {
  let record: AgreementRecord;

  beforeEach(async () => {
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    record = await requestor.market.terminate('a1', { code: 'Done', message: '' });
  });

  it.each<[string, string, (r: AgreementRecord) => AgreementRecord]>([
    [
      'offer signature',
      'ERR_MARKET_SIGNATURE',
      (r) =>
        withAgreement(r, { offer: { ...r.agreement.offer, expiresAt: r.agreement.offer.expiresAt + 1 } }),
    ],
    ['digest', 'ERR_MARKET_DIGEST', (r) => withAgreement(r, { expiresAt: r.agreement.expiresAt + 1 })],
    [
      "requestor's signature",
      'ERR_MARKET_SIGNATURE',
      (r) => withAgreement(r, { expiresAt: r.agreement.expiresAt + 1 }),
    ],
    [
      "provider's signature",
      'ERR_MARKET_SIGNATURE',
      (r) => ({ ...r, signatures: { ...r.signatures, provider: r.signatures.requestor! } }),
    ],
    [
      "provider's signature",
      'ERR_MARKET_SIGNATURE',
      (r) => ({ ...r, signatures: { requestor: r.signatures.requestor! } }),
    ],
    [
      'terms',
      'ERR_MARKET_AGREEMENT_INVALID',
      (r) => withAgreement(r, { terms: { ...r.agreement.terms, paymentTimeoutMs: 1 } }),
    ],
    [
      'terms',
      'ERR_MARKET_TERMS',
      (r) => withAgreement(r, { offer: { ...r.agreement.offer, properties: {} } }),
    ],
    ['parties', 'ERR_MARKET_NOT_A_PARTY', (r) => withAgreement(r, { requestor: r.agreement.provider })],
    [
      "requestor's termination",
      'ERR_MARKET_SIGNATURE',
      (r) => ({ ...r, termination: { ...r.termination!, reason: { code: 'Other', message: '' } } }),
    ],
    [
      "requestor's termination",
      'ERR_MARKET_SIGNATURE',
      (r) => ({ ...r, termination: { ...r.termination!, agreementId: 'a2' } }),
    ],
    ['termination', 'ERR_MARKET_SIGNATURE', withoutTermination],
  ])('a change is found by the check of the %s, with %s', (what, code, change) => {
    expect(requestor.market.verify(record)).toMatchObject({ ok: true });
    const verification = requestor.market.verify(change(record));
    expect(verification.ok).toBe(false);
    expect(verification.checks).toContainEqual(expect.objectContaining({ what, ok: false, code }));
  });
});

function withAgreement(record: AgreementRecord, changes: Partial<Agreement>): AgreementRecord {
  return { ...record, agreement: { ...record.agreement, ...changes } };
}

function withoutTermination(record: AgreementRecord): AgreementRecord {
  const copy = { ...record };
  delete copy.termination;
  return copy;
}
