import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Demand, Offer } from '../../../src/interface/market.ts';
import type { StoredEvent } from '../../../src/interface/store.ts';
import { PROPERTY } from '../../../src/interface/property-names.ts';
import { offerBucket, proposalBucket, type MarketInit } from '../../../src/market/index.ts';
import { memoryNetwork, type FaultRule, type MemoryHub } from '../../../src/network/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MarketNode, draft, finish, never, wish } from '../../support/market-node.ts';

const PROTOCOL = '/ergon/market/1';
const REASON = { code: 'Rejected', message: 'too dear' };
/** Below what the provider's offer allows: answered with an offer that is signed for this negotiation alone. */
const WISH = { [PROPERTY.debitNoteIntervalSec]: 5 };

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

async function node(name: string, init: MarketInit = {}, on: Pick<MemoryHub, 'join'> = hub) {
  const made = new MarketNode(name, on, clock, init);
  nodes.push(made);
  await made.start();
  return made;
}

async function pair(init: MarketInit = {}, on: Pick<MemoryHub, 'join'> = hub) {
  const provider = await node('provider', init, on);
  const requestor = await node('requestor');
  await provider.market.offers.publish({ default: draft() });
  await clock.settle();
  return { provider, requestor };
}

/** A provider whose program decides: it says yes to what is proposed next. */
async function byHand() {
  const { provider, requestor } = await pair();
  await provider.market.offers.publish({});
  await provider.market.offers.offerByHand('h1', draft());
  await clock.settle();
  const propose = async (proposalId: string): Promise<Round> => {
    const sent = await send(requestor, proposalId);
    const properties = { 'my.rating': 5 };
    await provider.market.proposals.decide(proposalId, { type: 'accept', properties });
    const [offer] = requestor.market.offers.known();
    const { answer } = await requestor.market.proposals.poll(proposalId, offer!, never);
    if (answer.type !== 'counter') throw new Error(`the answer is ${answer.type}`);
    return { ...sent, counterId: answer.proposalId, offer: answer.offer };
  };
  return { provider, requestor, propose };
}

interface Round {
  readonly proposalId: string;
  /** The offer that was proposed to. */
  readonly offerId: string;
  readonly demand: Demand;
  readonly counterId: string | undefined;
  readonly offer: Offer;
}

/** One round, of a chain that goes on from `previous`. */
async function send(
  from: MarketNode,
  proposalId: string,
  properties: Demand['properties'] = {},
  previous?: Round,
): Promise<Round> {
  const offer = previous?.offer ?? from.market.offers.known()[0]!;
  const demand = previous?.demand ?? {
    demandId: `d-${proposalId}`,
    requestor: from.identity.address,
    peerId: from.identity.peerId,
    properties: { ...wish('', clock).properties, ...properties },
    constraints: '',
    createdAt: clock.now(),
    expiresAt: clock.now() + 3_600_000,
  };
  const chain = previous?.counterId === undefined ? {} : { prevProposalId: previous.counterId };
  const { answer } = await from.market.proposals.send({ proposalId, ...chain, offer, demand }, never);
  const round = { proposalId, offerId: offer.offerId, demand };
  return answer.type === 'counter'
    ? { ...round, counterId: answer.proposalId, offer: answer.offer }
    : { ...round, counterId: undefined, offer };
}

const ask = (from: MarketNode, to: MarketNode, counterId: string | undefined) =>
  from.network.request(to.identity.peerId, PROTOCOL, 'proposal.reject', {
    proposalId: counterId ?? 'none',
    reason: REASON,
  });

/** All that was to be told has been answered. */
async function delivered(from: MarketNode): Promise<void> {
  await until(async () => (await from.store.outbox.peers()).length === 0);
}

async function heard(of: MarketNode, type: string): Promise<StoredEvent[]> {
  await until(async () => (await of.events(type)).length > 0);
  return of.events(type);
}

async function until(isSo: () => Promise<boolean>, stepMs = 100, maxMs = 600_000): Promise<void> {
  for (let passedMs = 0; !(await isSo()); passedMs += stepMs) {
    if (passedMs > maxMs) throw new Error(`not so after ${maxMs} ms`);
    await clock.advance(stepMs);
  }
}

const open = async (of: MarketNode): Promise<string[]> =>
  (await of.store.list(proposalBucket)).map(({ id }) => id).sort();

/** The offers that were signed for one negotiation. */
const signed = async (of: MarketNode): Promise<string[]> =>
  (await of.store.list(offerBucket)).filter(({ value }) => value.name === undefined).map(({ id }) => id);

describe('a counter-proposal that its requestor rejects', () => {
  it('is told to whoever published the offer, and leaves nothing of the negotiation with either', async () => {
    const { provider, requestor, propose } = await byHand();
    const { counterId } = await propose('p1');
    expect(await signed(provider)).toHaveLength(1);
    await requestor.market.proposals.reject('p1', REASON);
    await delivered(requestor);
    const parties = (of: MarketNode, role: string) => ({ role, ...peerOf(of) });
    expect((await provider.events('proposal.rejected')).map(({ subject, data }) => [subject, data])).toEqual([
      ['p1', { ...parties(requestor, 'provider'), counterId, reason: REASON, hand: 'h1' }],
    ]);
    expect((await requestor.events('proposal.rejected')).map(({ data }) => data)).toEqual([
      { ...parties(provider, 'requestor'), counterId, reason: REASON },
    ]);
    for (const of of [provider, requestor]) expect(await open(of)).toEqual([]);
    expect(await signed(provider)).toEqual([]);
  });

  it('is rejected once, however often that is said', async () => {
    const { provider, requestor, propose } = await byHand();
    const { counterId } = await propose('p1');
    const answers = await Promise.all([1, 2].map(() => ask(requestor, provider, counterId)));
    expect(answers).toEqual(expect.arrayContaining([{ state: 'Rejected' }, { state: 'Unknown' }]));
    await Promise.all([1, 2].map(() => requestor.market.proposals.reject('p1', REASON)));
    await requestor.market.proposals.reject('p1', REASON);
    await delivered(requestor);
    for (const of of [provider, requestor]) expect(await of.events('proposal.rejected')).toHaveLength(1);
  });

  it.each<[string, ReturnType<FaultRule>]>([
    ['is lost', { type: 'drop' }],
    ['comes twice', { type: 'duplicate' }],
    ['is answered in vain', { type: 'drop-answer' }],
  ])('is heard of once where the message %s, over a restart of both', async (_what, fault) => {
    const { provider, requestor, propose } = await byHand();
    await propose('p1');
    let left = 1;
    hub.fault(({ kind }) => (kind === 'proposal.reject' && left-- > 0 ? fault : undefined));
    await requestor.market.proposals.reject('p1', REASON);
    await clock.settle();
    await requestor.restart();
    await provider.restart();
    await delivered(requestor);
    expect(await provider.events('proposal.rejected')).toHaveLength(1);
  });

  it('is told to a provider that was away once it is back, unless its word is over by then', async () => {
    const { provider, requestor, propose } = await byHand();
    const away = async (proposalId: string, ms: number): Promise<void> => {
      await propose(proposalId);
      hub.disconnect(provider.identity.peerId, requestor.identity.peerId);
      await requestor.market.proposals.reject(proposalId, REASON);
      await clock.advance(ms);
      hub.connect(provider.identity.peerId, requestor.identity.peerId);
      await delivered(requestor);
    };
    await away('p1', 60_000);
    expect(await provider.events('proposal.rejected')).toHaveLength(1);
    await away('p2', 6 * 60_000);
    expect(await provider.events('proposal.rejected')).toHaveLength(1);
  });

  it('is none of an offer that nobody decides on: its end makes room and is no news', async () => {
    const { provider, requestor } = await pair({ maxOpenPerPeer: 2 });
    for (const id of ['1', '2', '3']) {
      const first = await send(requestor, `p${id}`, WISH);
      await send(requestor, `q${id}`, {}, first);
      expect(await open(provider)).toHaveLength(2);
      await requestor.market.proposals.reject(`q${id}`, REASON);
      await delivered(requestor);
      expect(await open(provider)).toEqual([]);
      expect(await signed(provider)).toEqual([]);
    }
    expect(await provider.events('proposal.rejected')).toEqual([]);
  });

  it('is one that a search does not go on from, too', async () => {
    const { provider, requestor } = await byHand();
    const frugal = wish('a1', clock, { maxPrice: '1500000000000000' });
    const asked = finish(clock, requestor.market.request(frugal, never));
    const [received] = await heard(provider, 'proposal.received');
    const properties = { [PROPERTY.linearCoefficients]: ['0', '0', '0.002'] };
    await provider.market.proposals.decide(received!.subject, { type: 'accept', properties });
    await expect(asked).rejects.toMatchObject({
      detail: { providers: [{ reason: { code: 'TooExpensive' } }] },
    });
    expect(await heard(provider, 'proposal.rejected')).toMatchObject([
      { subject: received!.subject, data: { reason: { code: 'TooExpensive' }, hand: 'h1' } },
    ]);
    for (const of of [provider, requestor]) expect(await open(of)).toEqual([]);
  });

  it("is nobody else's to reject", async () => {
    const { provider, propose } = await byHand();
    const { counterId } = await propose('p1');
    const stranger = await node('stranger');
    for (const id of [counterId, 'p1', 'none'])
      expect(await ask(stranger, provider, id)).toEqual({ state: 'Unknown' });
    expect(await open(provider)).toEqual(['p1']);
    expect(await provider.events('proposal.rejected')).toEqual([]);
  });
});

describe('what is decided', () => {
  it('stands: an agreement that waits for its provider, and one that was made', async () => {
    const { provider, requestor, propose } = await byHand();
    const { counterId, demand, offer } = await propose('p1');
    await requestor.market.create({ agreementId: 'a1', demand, offer, expiresAt: demand.expiresAt });
    const agreed = requestor.market.confirm('a1', never);
    await heard(provider, 'agreement.proposed');
    expect(await ask(requestor, provider, counterId)).toEqual({ state: 'Agreed' });
    await provider.market.approve('a1');
    expect(await finish(clock, agreed)).toMatchObject({ state: 'Approved' });
    expect(await ask(requestor, provider, counterId)).toEqual({ state: 'Unknown' });
    expect(await provider.market.get('a1')).toMatchObject({ state: 'Approved' });
    expect(await provider.events('proposal.rejected')).toEqual([]);
  });

  it('is not rejected: a proposal without an answer, and one that is not known', async () => {
    const { provider, requestor } = await byHand();
    await send(requestor, 'p1');
    for (const id of ['p1', 'none']) await requestor.market.proposals.reject(id, REASON);
    await provider.market.proposals.decide('p1', { type: 'reject', reason: REASON });
    await requestor.market.proposals.reject('p1', REASON);
    await delivered(requestor);
    for (const of of [provider, requestor]) expect(await open(of)).toEqual(['p1']);
    expect(await requestor.events('proposal.rejected')).toEqual([]);
  });
});

it('a provider of an older version, which does not know the message, refuses it, and goes on as before', async () => {
  const older: Pick<MemoryHub, 'join'> = {
    join(init) {
      const network = hub.join(init);
      const handle = network.handle.bind(network);
      network.handle = ({ id, requests }) => {
        const known = Object.entries(requests).filter(([kind]) => kind !== 'proposal.reject');
        handle({ id, requests: Object.fromEntries(known) });
      };
      return network;
    },
  };
  const { provider, requestor } = await pair({}, older);
  const { counterId } = await send(requestor, 'p1');
  await expect(ask(requestor, provider, counterId)).rejects.toMatchObject({
    detail: { code: 'ERR_NETWORK_UNKNOWN_KIND' },
  });
  await requestor.market.proposals.reject('p1', REASON);
  await delivered(requestor);
  expect(await open(provider)).toEqual(['p1']);
  expect(await finish(clock, requestor.market.request(wish('a1', clock), never))).toMatchObject({
    state: 'Approved',
  });
});

describe('whoever rejects what', () => {
  const step = fc.record({
    who: fc.constantFrom(0, 1),
    does: fc.constantFrom('begin', 'go on', 'fork', 'reject', 'reject what is not his'),
    at: fc.nat(5),
  });

  it('only what its own requestor rejects is forgotten', async () => {
    const { provider, requestor } = await pair();
    const parties = [requestor, await node('other')];
    await clock.settle();
    const [published] = await provider.market.offers.own();
    let number = 0;
    const work = async (steps: readonly { who: number; does: string; at: number }[]): Promise<void> => {
      /** Of each, the rounds of the negotiations that are open. */
      const negotiations: Round[][][] = [[], []];
      const reject = async (who: number, negotiation: Round[]): Promise<void> => {
        const of = parties[who]!;
        await of.market.proposals.reject(negotiation.at(-1)!.proposalId, REASON);
        await delivered(of);
        const left = negotiations[who]!.map((other) => other.filter((round) => !negotiation.includes(round)));
        negotiations[who] = left.filter((other) => other.length > 0);
      };
      for (const { who, does, at } of steps) {
        const [mine, others] = [negotiations[who]!, negotiations[1 - who]!];
        const negotiation = mine[at % mine.length];
        const proposalId = `r${(number += 1)}`;
        if (does === 'begin') mine.push([await send(parties[who]!, proposalId, at % 2 === 0 ? WISH : {})]);
        if ((does === 'go on' || does === 'fork') && negotiation !== undefined && negotiation.length < 8) {
          const next = [...negotiation, await send(parties[who]!, proposalId, {}, negotiation.at(-1))];
          if (does === 'fork') mine.push(next);
          else mine[mine.indexOf(negotiation)] = next;
        }
        if (does === 'reject' && negotiation !== undefined) await reject(who, negotiation);
        if (does === 'reject what is not his') {
          const foreign = others[at % others.length]?.at(-1)?.counterId;
          expect(await ask(parties[who]!, provider, foreign)).toEqual({ state: 'Unknown' });
        }
        const left = [...new Set(negotiations.flat(2))];
        expect(await open(provider)).toEqual(left.map((round) => round.proposalId).sort());
        const inUse = new Set(left.flatMap(({ offerId, offer }) => [offerId, offer.offerId]));
        inUse.delete(published!.offerId);
        expect(new Set(await signed(provider))).toEqual(inUse);
      }
      for (const who of [0, 1])
        while (negotiations[who]!.length > 0) await reject(who, negotiations[who]![0]!);
      expect([...(await open(provider)), ...(await signed(provider))]).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 24 }), work), {
      numRuns: 25,
      endOnFailure: true,
    });
  });
});

function peerOf({ identity: { peerId, address } }: MarketNode): object {
  return { peerId, address };
}
