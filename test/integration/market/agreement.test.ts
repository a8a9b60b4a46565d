import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgreementRecord } from '../../../src/interface/market.ts';
import { PROPERTY } from '../../../src/interface/property-names.ts';
import { agreementBucket, proposalBucket, type MarketInit } from '../../../src/market/index.ts';
import { memoryNetwork, type FaultRule, type MemoryHub } from '../../../src/network/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MarketNode, TOTAL, draft, finish, never, wish } from '../../support/market-node.ts';

const GIB = 2 ** 30;
const REASON = { code: 'Done', message: 'all is computed' };

let clock: FakeClock;
let hub: MemoryHub;
let nodes: MarketNode[];

beforeEach(() => {
  clock = new FakeClock();
  hub = memoryNetwork({ clock });
  nodes = [];
});

afterEach(async () => {
  for (const node of nodes) await node.stop();
});

async function node(name: string, init: MarketInit = {}): Promise<MarketNode> {
  const made = new MarketNode(name, hub, clock, init);
  nodes.push(made);
  await made.start();
  return made;
}

async function pair(init: { provider?: MarketInit; requestor?: MarketInit } = {}) {
  const provider = await node('provider', init.provider);
  const requestor = await node('requestor', init.requestor);
  await provider.market.offers.publish({ default: draft() });
  await clock.settle();
  return { provider, requestor };
}

const kindOnce =
  (kind: string, fault: ReturnType<FaultRule>): FaultRule =>
  (message) => {
    if (message.kind !== kind || fault === undefined) return undefined;
    const once = fault;
    fault = undefined;
    return once;
  };

async function free(of: MarketNode) {
  return of.slots.free(of.store);
}

describe('an agreement', () => {
  it('is found, negotiated, signed by both over one digest, and held in the slots', async () => {
    const { provider, requestor } = await pair();
    const record = await finish(clock, requestor.market.request(wish('a1', clock), never));
    expect(record).toMatchObject({
      state: 'Approved',
      role: 'requestor',
      agreement: {
        terms: {
          runtime: 'wasi',
          resources: { cpuThreads: 1, memoryBytes: GIB, storageBytes: GIB },
          pricing: {
            model: 'linear',
            platform: 'ledger',
            counters: ['golem.usage.duration_sec', 'golem.usage.cpu_sec'],
            coefficients: ['100000000000000', '200000000000000'],
            startPrice: '1000000000000000',
          },
          debitNoteIntervalMs: 120_000,
          debitNoteAcceptTimeoutMs: 240_000,
          paymentTimeoutMs: 3_600_000,
          idleTimeoutMs: 300_000,
          maxOutputBytes: 2 ** 20,
        },
      },
    });
    const theirs = await provider.market.get('a1');
    expect(theirs).toMatchObject({
      state: 'Approved',
      role: 'provider',
      digest: record.digest,
      signatures: record.signatures,
    });
    expect(Object.keys(record.signatures).sort()).toEqual(['provider', 'requestor']);
    expect(await free(provider)).toEqual({ cpuThreads: 3, memoryBytes: 3 * GIB, storageBytes: 15 * GIB });
    expect(await requestor.states('a1')).toEqual(['Proposal', 'Pending', 'Approved']);
    for (const [of, other, role] of [
      [requestor, provider, 'requestor'],
      [provider, requestor, 'provider'],
    ] as const) {
      const parties = { role, peerId: other.identity.peerId, address: other.identity.address };
      expect((await of.events('agreement.proposed')).map(({ data }) => data)).toEqual([parties]);
      expect((await of.events('agreement.approved')).map(({ subject, data }) => [subject, data])).toEqual([
        ['a1', parties],
      ]);
    }
    expect(requestor.market.verify(record)).toMatchObject({ ok: true });
    expect(provider.market.verify(theirs!)).toMatchObject({ ok: true });
  });

  it('is made once, however often it is asked for', async () => {
    const { provider, requestor } = await pair();
    const [first, second] = await finish(
      clock,
      Promise.all([
        requestor.market.request(wish('a1', clock), never),
        requestor.market.request(wish('a1', clock), never),
      ]),
    );
    expect(second).toEqual(first);
    expect(await finish(clock, requestor.market.request(wish('a1', clock), never))).toEqual(first);
    await requestor.restart();
    expect(await finish(clock, requestor.market.request(wish('a1', clock), never))).toEqual(first);
    expect(await provider.events('agreement.approved')).toHaveLength(1);
    expect((await free(provider)).cpuThreads).toBe(3);
  });

  it('waits for an offer that comes later', async () => {
    const provider = await node('provider');
    const requestor = await node('requestor');
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(2000);
    await provider.market.offers.publish({ default: draft() });
    expect(await finish(clock, asked)).toMatchObject({ state: 'Approved' });
  });

  it('says for each offer why it does not match, when the wait is over', async () => {
    const { requestor } = await pair();
    const asked = finish(
      clock,
      requestor.market.request(
        wish('a1', clock, { constraints: '(golem.inf.mem.gib>=64)', waitMs: 3000 }),
        never,
      ),
    );
    await expect(asked).rejects.toMatchObject({
      code: 'ERR_MARKET_NO_OFFER',
      detail: {
        offers: [
          {
            unmet: [{ of: 'demand', term: '(golem.inf.mem.gib>=64)', explanation: 'golem.inf.mem.gib is 4' }],
          },
        ],
      },
    });
  });

  it('is not found when it is of an offer that is not known', async () => {
    const { requestor } = await pair();
    const asked = finish(
      clock,
      requestor.market.request(wish('a1', clock, { offerId: 'none', waitMs: 0 }), never),
    );
    await expect(asked).rejects.toMatchObject({ code: 'ERR_MARKET_OFFER_NOT_FOUND' });
  });

  it('stops with the signal', async () => {
    const requestor = await node('requestor');
    const abort = new AbortController();
    const asked = requestor.market.request(wish('a1', clock), abort.signal);
    await clock.advance(100);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  it('goes to the cheapest that agrees, and tells of each that did not', async () => {
    const cheap = await node('cheap', { provider: { maxAgreements: 0 } });
    const middle = await node('middle');
    const dear = await node('dear');
    const requestor = await node('requestor');
    await cheap.market.offers.publish({ default: draft('0.001') });
    await middle.market.offers.publish({ default: draft('0.002') });
    await dear.market.offers.publish({ default: draft('0.003') });
    await clock.settle();
    const record = await finish(clock, requestor.market.request(wish('a1', clock), never));
    expect(record.agreement.provider).toBe(middle.identity.address);
    const limited = wish('a2', clock, { maxPrice: '1500000000000000', excludeProviders: [] });
    await expect(finish(clock, requestor.market.request(limited, never))).rejects.toMatchObject({
      code: 'ERR_MARKET_NOBODY_AGREED',
      detail: {
        providers: [
          { provider: cheap.identity.address, reason: { code: 'TooManyAgreements' } },
          { provider: middle.identity.address, reason: { code: 'TooExpensive' } },
          { provider: dear.identity.address, reason: { code: 'TooExpensive' } },
        ],
      },
    });
  });

  it('compares prices by the usage that is expected', async () => {
    const idle = await node('idle');
    const busy = await node('busy');
    const requestor = await node('requestor');
    const prices = (duration: string, cpu: string) => ({
      name: 'p',
      startPrice: '0',
      prices: { 'golem.usage.duration_sec': duration, 'golem.usage.cpu_sec': cpu },
    });
    await idle.market.offers.publish({ p: draft('0', { preset: prices('0.001', '0.01') }) });
    await busy.market.offers.publish({ p: draft('0', { preset: prices('0.01', '0.001') }) });
    await clock.settle();
    const usage = (duration: bigint, cpu: bigint) => ({
      'golem.usage.duration_sec': (duration * 10n ** 9n).toString(),
      'golem.usage.cpu_sec': (cpu * 10n ** 9n).toString(),
    });
    const lazy = await finish(
      clock,
      requestor.market.request(wish('a1', clock, { expectedUsage: usage(100n, 1n) }), never),
    );
    expect(lazy.agreement.provider).toBe(idle.identity.address);
    const eager = await finish(
      clock,
      requestor.market.request(wish('a2', clock, { expectedUsage: usage(10n, 10n * 4n) }), never),
    );
    expect(eager.agreement.provider).toBe(busy.identity.address);
  });

  it('is refused when the slots are full, and possible again when one is given back', async () => {
    const { provider, requestor } = await pair();
    const large = (id: string) => {
      const asked = wish(id, clock);
      return { ...asked, properties: { ...asked.properties, [PROPERTY.requestedMemoryBytes]: 3 * GIB } };
    };
    await finish(clock, requestor.market.request(large('a1'), never));
    await expect(finish(clock, requestor.market.request(large('a2'), never))).rejects.toMatchObject({
      detail: { providers: [{ reason: { code: 'NoFreeSlot' } }] },
    });
    await requestor.market.terminate('a1', REASON);
    await clock.advance(1000);
    expect(await free(provider)).toEqual(TOTAL);
    expect(await finish(clock, requestor.market.request(large('a3'), never))).toMatchObject({
      state: 'Approved',
    });
  });

  it('takes the offer off the market while not even its minimum is free', async () => {
    const { provider, requestor } = await pair();
    const asked = wish('a1', clock);
    const all = { ...asked, properties: { ...asked.properties, [PROPERTY.requestedCpuThreads]: 4 } };
    await finish(clock, requestor.market.request(all, never));
    await clock.settle();
    expect(await provider.market.offers.own()).toEqual([]);
    expect(requestor.market.offers.known()).toEqual([]);
    await provider.market.terminate('a1', REASON);
    await clock.advance(1000);
    expect(requestor.market.offers.known()).toHaveLength(1);
  });
});

describe('negotiation', () => {
  it('meets where the bounds of both allow it', async () => {
    const { provider, requestor } = await pair({
      requestor: { requestor: { debitNoteIntervalSec: { min: 5, max: 60 } } },
    });
    const record = await finish(clock, requestor.market.request(wish('a1', clock), never));
    expect(record.agreement.terms.debitNoteIntervalMs).toBe(60_000);
    expect((await provider.market.get('a1'))?.agreement.terms.debitNoteIntervalMs).toBe(60_000);
  });

  it('ends where they do not', async () => {
    const { requestor } = await pair({
      requestor: { requestor: { debitNoteIntervalSec: { min: 1, max: 5 } } },
    });
    await expect(finish(clock, requestor.market.request(wish('a1', clock), never))).rejects.toMatchObject({
      detail: { providers: [{ reason: { code: 'ConditionsUnacceptable', detail: { value: 10 } } }] },
    });
  });

  it('refuses a denied requestor by its reason', async () => {
    const address = new MarketNode('requestor', hub, clock).identity.address;
    const { requestor } = await pair({
      provider: { provider: { requestors: { deny: [address], allow: [] } } },
    });
    await expect(finish(clock, requestor.market.request(wish('a1', clock), never))).rejects.toMatchObject({
      detail: { providers: [{ reason: { code: 'Denied' } }] },
    });
  });

  it('answers an unadjusted wish with a counter-offer that it signs, and makes the agreement of that', async () => {
    const { provider, requestor } = await pair();
    const [offer] = requestor.market.offers.known();
    const demand = {
      demandId: 'd1',
      requestor: requestor.identity.address,
      peerId: requestor.identity.peerId,
      properties: { [PROPERTY.debitNoteIntervalSec]: 5 },
      constraints: '',
      createdAt: clock.now(),
      expiresAt: clock.now() + 3_600_000,
    };
    const { answer } = await requestor.market.proposals.send(
      { proposalId: 'p1', offer: offer!, demand },
      never,
    );
    if (answer.type !== 'counter') throw new Error(answer.type);
    expect(answer.offer.offerId).not.toBe(offer!.offerId);
    expect(answer.offer.properties[PROPERTY.debitNoteIntervalSec]).toBe(10);
    const again = await requestor.market.proposals.send({ proposalId: 'p1', offer: offer!, demand }, never);
    expect(again.answer).toEqual(answer);
    const adjusted = { ...demand, properties: { [PROPERTY.debitNoteIntervalSec]: 10 } };
    const second = await requestor.market.proposals.send(
      { proposalId: 'p2', prevProposalId: answer.proposalId, offer: answer.offer, demand: adjusted },
      never,
    );
    expect(second).toMatchObject({ round: 2, answer: { type: 'counter', offer: answer.offer } });
    await requestor.market.create({
      agreementId: 'a1',
      offer: answer.offer,
      demand: adjusted,
      expiresAt: clock.now() + 60_000,
    });
    const record = await finish(clock, requestor.market.confirm('a1', never));
    expect(record).toMatchObject({
      state: 'Approved',
      agreement: { terms: { debitNoteIntervalMs: 10_000 } },
    });
    expect((await provider.market.get('a1'))?.state).toBe('Approved');
  });

  it('has a bounded number of rounds, and of open proposals', async () => {
    const { requestor } = await pair({ provider: { maxRounds: 2, maxOpenPerPeer: 3 } });
    const [offer] = requestor.market.offers.known();
    const demand = {
      demandId: 'd1',
      requestor: requestor.identity.address,
      peerId: requestor.identity.peerId,
      properties: {},
      constraints: '',
      createdAt: clock.now(),
      expiresAt: clock.now() + 3_600_000,
    };
    let prev: { prevProposalId: string } | undefined;
    const next = async (proposalId: string) => {
      const { answer } = await requestor.market.proposals.send(
        { proposalId, ...prev, offer: offer!, demand },
        never,
      );
      if (answer.type === 'counter') prev = { prevProposalId: answer.proposalId };
    };
    await next('p1');
    await next('p2');
    await expect(next('p3')).rejects.toMatchObject({ detail: { code: 'ERR_MARKET_PROPOSAL_INVALID' } });
    prev = undefined;
    await next('p4');
    await expect(next('p5')).rejects.toMatchObject({ detail: { code: 'ERR_MARKET_BUSY' } });
    await clock.advance(6 * 60_000);
    prev = undefined;
    await next('p6');
  });

  it('is no open proposal any more once it is approved', async () => {
    const { provider, requestor } = await pair({ provider: { maxOpenPerPeer: 1 } });
    for (const id of ['a1', 'a2', 'a3']) {
      const record = await finish(clock, requestor.market.request(wish(id, clock), never));
      expect(record.state).toBe('Approved');
      expect(await provider.store.list(proposalBucket)).toEqual([]);
    }
  });

  it('is no open proposal any more once it is refused, and may be proposed again all the same', async () => {
    const { provider, requestor } = await pair();
    const [offer] = requestor.market.offers.known();
    const { properties } = wish('a1', clock);
    const negotiate = async (demandId: string) => {
      const demand = {
        demandId,
        requestor: requestor.identity.address,
        peerId: requestor.identity.peerId,
        properties: { ...properties, [PROPERTY.requestedMemoryBytes]: 3 * GIB },
        constraints: '',
        createdAt: clock.now(),
        expiresAt: clock.now() + 600_000,
      };
      const { answer } = await requestor.market.proposals.send(
        { proposalId: demandId, offer: offer!, demand },
        never,
      );
      if (answer.type !== 'counter') throw new Error(`the answer is ${answer.type}`);
      return { offer: answer.offer, demand, expiresAt: demand.expiresAt };
    };
    const agree = async (agreementId: string, draft: Awaited<ReturnType<typeof negotiate>>) => {
      await requestor.market.create({ agreementId, ...draft });
      return (await finish(clock, requestor.market.confirm(agreementId, never))).state;
    };
    const [first, second] = [await negotiate('d1'), await negotiate('d2')];
    expect(await provider.store.list(proposalBucket)).toHaveLength(2);
    expect(await agree('a1', first)).toBe('Approved');
    expect(await agree('a2', second)).toBe('Rejected');
    expect(await provider.store.list(proposalBucket)).toEqual([]);
    await provider.market.terminate('a1', { code: 'Done', message: '' });
    expect(await agree('a3', second)).toBe('Approved');
  });

  it('leaves the decision to a person where the provider wants it so', async () => {
    const { provider, requestor } = await pair({ provider: { provider: { manual: true } } });
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(500);
    const [received] = await provider.events('proposal.received');
    expect(received).toMatchObject({ data: { role: 'provider', address: requestor.identity.address } });
    await provider.market.proposals.decide(received!.subject, { type: 'accept' });
    await clock.advance(3000);
    expect((await provider.market.get('a1'))?.state).toBe('Pending');
    expect((await requestor.market.get('a1'))?.state).toBe('Pending');
    await provider.market.approve('a1');
    expect(await finish(clock, asked)).toMatchObject({ state: 'Approved' });
    expect((await free(provider)).cpuThreads).toBe(3);
  });
});

describe('an offer by hand', () => {
  const byHand = async () => {
    const { provider, requestor } = await pair();
    await provider.market.offers.publish({});
    await provider.market.offers.offerByHand('h1', draft());
    await clock.advance(1000);
    return { provider, requestor };
  };

  it('becomes an agreement by two decisions, and of the words that were given', async () => {
    const { provider, requestor } = await byHand();
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(500);
    const [received] = await provider.events('proposal.received');
    const decided = await provider.market.proposals.decide(received!.subject, {
      type: 'accept',
      properties: { 'my.rating': 5 },
    });
    const { answer } = decided;
    const made = answer.type === 'counter' ? answer.offer : undefined;
    expect(made?.properties).toMatchObject({ 'my.rating': 5 });
    expect(await provider.market.offers.byHand(made!.offerId)).toEqual({ hand: 'h1', offer: made });
    await clock.advance(3000);
    expect((await provider.market.get('a1'))?.state).toBe('Pending');
    await provider.market.approve('a1');
    expect(await finish(clock, asked)).toMatchObject({ state: 'Approved' });
    expect((await provider.market.get('a1'))?.agreement.offer.properties).toMatchObject({ 'my.rating': 5 });
  });

  it('is decided on within the policy of its node', async () => {
    const { provider, requestor } = await byHand();
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(500);
    const [received] = await provider.events('proposal.received');
    provider.market.changePolicy({ closed: REASON });
    const { answer } = await provider.market.proposals.decide(received!.subject, { type: 'accept' });
    expect(answer).toEqual({ type: 'rejected', reason: REASON });
    await expect(finish(clock, asked)).rejects.toMatchObject({
      code: expect.stringContaining('ERR_MARKET') as string,
    });
  });

  it('is not approved once the policy has come to forbid it', async () => {
    const { provider, requestor } = await byHand();
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(500);
    const [received] = await provider.events('proposal.received');
    await provider.market.proposals.decide(received!.subject, { type: 'accept' });
    await clock.advance(3000);
    provider.market.changePolicy({ closed: REASON });
    expect(await provider.market.approve('a1')).toMatchObject({ state: 'Rejected', reason: REASON });
    expect(await free(provider)).toEqual(TOTAL);
    await expect(finish(clock, asked)).rejects.toThrow();
  });

  it('leaves the market when it is taken back, and while nothing is on offer', async () => {
    const { provider } = await byHand();
    expect(await provider.market.offers.own()).toHaveLength(1);
    await provider.market.offers.withdraw();
    expect(await provider.market.offers.own()).toHaveLength(0);
    await provider.market.offers.publish({});
    expect(await provider.market.offers.own()).toHaveLength(1);
    await provider.market.offers.takeBack('h1');
    expect(await provider.market.offers.own()).toHaveLength(0);
  });
});

describe('termination', () => {
  it.each(['requestor', 'provider'] as const)(
    'by the %s reaches both, signed, and gives the slots back',
    async (by) => {
      const nodesOf = await pair();
      const { provider, requestor } = nodesOf;
      await finish(clock, requestor.market.request(wish('a1', clock), never));
      const ended = await nodesOf[by].market.terminate('a1', REASON);
      expect(await nodesOf[by].market.terminate('a1', { code: 'Other', message: 'again' })).toEqual(ended);
      await clock.advance(1000);
      for (const each of [provider, requestor]) {
        const record = await each.market.get('a1');
        expect(record).toMatchObject({ state: 'Terminated', termination: { by, reason: REASON } });
        expect(each.market.verify(record!)).toMatchObject({ ok: true });
        expect((await each.events('agreement.terminated')).map(({ data }) => data)).toMatchObject([
          { by, reason: REASON },
        ]);
      }
      expect(await free(provider)).toEqual(TOTAL);
    },
  );

  it('arrives at a peer that was away', async () => {
    const { provider, requestor } = await pair();
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    await provider.stop();
    await requestor.market.terminate('a1', REASON);
    await clock.advance(60_000);
    await requestor.restart();
    await provider.start();
    await clock.advance(120_000);
    expect((await provider.market.get('a1'))?.state).toBe('Terminated');
  });

  it('by both at once ends it once in each book', async () => {
    const { provider, requestor } = await pair();
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    await Promise.all([provider.market.terminate('a1', REASON), requestor.market.terminate('a1', REASON)]);
    await clock.advance(1000);
    for (const each of [provider, requestor])
      expect(await each.events('agreement.terminated')).toHaveLength(1);
  });

  it('comes by itself at the end, from the provider, or from the requestor when the provider is gone', async () => {
    const { provider, requestor } = await pair();
    await finish(
      clock,
      requestor.market.request(wish('a1', clock, { expiresAt: clock.now() + 60_000 }), never),
    );
    await clock.advance(61_000);
    expect(await requestor.market.get('a1')).toMatchObject({
      state: 'Terminated',
      termination: { by: 'provider', reason: { code: 'Expired' } },
    });
    await finish(
      clock,
      requestor.market.request(wish('a2', clock, { expiresAt: clock.now() + 60_000 }), never),
    );
    await provider.stop();
    await clock.advance(180_000);
    expect(await requestor.market.get('a2')).toMatchObject({
      state: 'Terminated',
      termination: { by: 'requestor', reason: { code: 'Expired' } },
    });
  });
});

describe('after faults', () => {
  const settled = async (requestor: MarketNode, provider: MarketNode, expected: AgreementRecord['state']) => {
    await clock.advance(120_000);
    expect((await requestor.market.get('a1'))?.state).toBe(expected);
    expect((await provider.market.get('a1'))?.state).toBe(expected);
    expect((await free(provider)).cpuThreads).toBe(expected === 'Approved' ? 3 : 4);
  };

  it.each([
    { type: 'drop' },
    { type: 'drop-answer' },
    { type: 'duplicate' },
    { type: 'disconnect', when: 'before' },
    { type: 'disconnect', when: 'after' },
  ] as const)('a proposed agreement that meets $type $when is approved once', async (fault) => {
    const { provider, requestor } = await pair({ requestor: { approvalTimeoutMs: 120_000 } });
    hub.fault(kindOnce('agreement.propose', fault));
    const asked = requestor.market.request(wish('a1', clock), never);
    await clock.advance(2000);
    hub.connect(provider.identity.peerId, requestor.identity.peerId);
    expect(await finish(clock, asked)).toMatchObject({ state: 'Approved' });
    expect(await provider.events('agreement.approved')).toHaveLength(1);
    expect((await free(provider)).cpuThreads).toBe(3);
  });

  it('a requestor that died while pending learns of the approval after its restart, though nobody asks again', async () => {
    const { provider, requestor } = await pair();
    hub.fault(kindOnce('agreement.propose', { type: 'drop-answer' }));
    const asked = requestor.market.request(wish('a1', clock), never);
    asked.catch(() => undefined);
    await clock.advance(500);
    expect((await requestor.market.get('a1'))?.state).toBe('Pending');
    await requestor.restart();
    await clock.advance(10_000);
    await settled(requestor, provider, 'Approved');
  });

  it('a requestor that died before anything was sent learns that it expired', async () => {
    const { provider, requestor } = await pair();
    const cut = hub.fault((message) => (message.kind === 'agreement.propose' ? { type: 'drop' } : undefined));
    const abort = new AbortController();
    const asked = requestor.market.request(wish('a1', clock), abort.signal);
    await clock.advance(500);
    abort.abort();
    await expect(asked).rejects.toThrow();
    await requestor.stop();
    await clock.advance(40_000);
    cut();
    await requestor.start();
    await clock.advance(10_000);
    expect(await requestor.market.get('a1')).toMatchObject({ state: 'Expired' });
    expect(await provider.market.get('a1')).toBeUndefined();
    expect(await requestor.events('agreement.expired')).toHaveLength(1);
  });

  it('an unreachable provider leaves the agreement pending, and is told of the cancellation when it is back', async () => {
    const { provider, requestor } = await pair();
    hub.fault(kindOnce('agreement.propose', { type: 'disconnect', when: 'after' }));
    const asked = requestor.market.request(wish('a1', clock), never);
    asked.catch(() => undefined);
    await clock.advance(35_000);
    expect((await requestor.market.get('a1'))?.state).toBe('Pending');
    await clock.advance(10_000);
    await expect(asked).rejects.toMatchObject({ code: 'ERR_MARKET_NOBODY_AGREED' });
    expect((await requestor.market.get('a1'))?.state).toBe('Cancelled');
    expect((await provider.market.get('a1'))?.state).toBe('Approved');
    hub.connect(provider.identity.peerId, requestor.identity.peerId);
    await clock.advance(120_000);
    expect(await provider.market.get('a1')).toMatchObject({
      state: 'Terminated',
      termination: { by: 'requestor' },
    });
    expect(await free(provider)).toEqual(TOTAL);
  });

  it('news of the end that come before those of the approval bring both', async () => {
    const { provider, requestor } = await pair();
    hub.fault(kindOnce('agreement.propose', { type: 'drop-answer' }));
    const asked = requestor.market.request(wish('a1', clock), never);
    asked.catch(() => undefined);
    await clock.advance(500);
    await provider.market.terminate('a1', REASON);
    await clock.advance(1000);
    const record = await requestor.market.get('a1');
    expect(record).toMatchObject({ state: 'Terminated', termination: { by: 'provider' } });
    expect(await requestor.states('a1')).toEqual(['Proposal', 'Pending', 'Approved', 'Terminated']);
    expect(requestor.market.verify(record!)).toMatchObject({ ok: true });
  });

  it('a provider that restarts keeps its word', async () => {
    const { provider, requestor } = await pair();
    await finish(clock, requestor.market.request(wish('a1', clock), never));
    await provider.restart();
    expect(await provider.market.get('a1')).toMatchObject({ state: 'Approved' });
    const record = await provider.store.get(agreementBucket, 'a1');
    const { agreement, signatures } = record!;
    const answer = await requestor.network.request(
      provider.identity.peerId,
      '/ergon/market/1',
      'agreement.propose',
      {
        agreement,
        signature: signatures.requestor!,
      },
    );
    expect(answer).toEqual({
      state: 'Approved',
      signature: signatures.provider,
      approvedAt: record!.approvedAt,
    });
    expect((await free(provider)).cpuThreads).toBe(3);
  });
});
