import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemandBook } from '../../../../src/api/rest/yagna/market/demand-book.ts';
import { Negotiations } from '../../../../src/api/rest/yagna/market/negotiations.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import type { YagnaParts } from '../../../../src/api/yagna-parts.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { draft } from '../../../support/market-node.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';
import { offer as sample } from '../support/samples.ts';

const clock = new FakeClock();
const store = memoryStore({ clock });
const stopping = new AbortController();
type Send = (request: { proposalId: string }) => Promise<unknown>;
const rejecting: Send = async ({ proposalId }) => ({
  proposalId,
  answer: { type: 'rejected', reason: { code: 'Busy', message: 'no room' } },
});
const refusing: Send = () => Promise.reject(new Error('no room'));
let send = rejecting;
let rejected: unknown[];
let demands: DemandBook;
let negotiations: Negotiations;

beforeEach(async () => {
  rejected = [];
  await store.start();
  const offer = { ...sample, properties: draft().properties, expiresAt: clock.now() + 3_600_000 };
  const market = {
    offers: {
      get: () => offer,
      explain: () => [{ ...offer, result: true, unmet: [] }],
      onChanged: () => () => undefined,
    },
    proposals: {
      send: (request: { proposalId: string }) => send(request),
      reject: async (...said: unknown[]) => rejected.push(said),
    },
  } as unknown as YagnaParts['market'];
  const platforms = new Platforms({}, []);
  const context = { store, clock, logger: silentLogger, market, newId };
  demands = new DemandBook(context, platforms);
  const me = { address: sample.provider, peerId: sample.peerId, stopSignal: stopping.signal };
  negotiations = new Negotiations({ ...context, ...me }, demands, platforms);
});
afterEach(() => demands.stop());

const client = { properties: {}, constraints: '(&)' };

async function counterOf(demandId: string): Promise<string> {
  await clock.advance(100);
  const [initial] = await demands.take(demandId, 1);
  const { proposalId } = await negotiations.counter(demandId, initial!.proposal.proposalId, client);
  await clock.advance(1_000);
  return proposalId;
}

const heard = async (demandId: string): Promise<unknown[]> =>
  (await demands.take(demandId, 10)).map(({ event }) => [event.proposalId, event.rejection]);

it.each([
  ['a provider that rejects it', rejecting],
  ['a provider that refuses to look at it', refusing],
])('tells of %s once its client has read what was rejected', async (_, provider) => {
  send = provider;
  const { demandId } = await demands.publish(client);
  const proposalId = await counterOf(demandId);
  expect(await heard(demandId)).toEqual([]);
  negotiations.wasRead(proposalId);
  await clock.advance(10);
  expect(await heard(demandId)).toEqual([[proposalId, 'no room']]);
});

it('tells of a rejection also whose client reads nothing', async () => {
  send = rejecting;
  const { demandId } = await demands.publish(client);
  const proposalId = await counterOf(demandId);
  await clock.advance(5_000);
  expect(await heard(demandId)).toEqual([[proposalId, 'no room']]);
});

it('tells a provider that its draft is rejected, once, and none that its offer or nothing of its is', async () => {
  send = async ({ proposalId }) => ({
    proposalId,
    answer: { type: 'counter', proposalId: 'theirs', offer: sample },
  });
  const { demandId } = await demands.publish(client);
  await clock.advance(100);
  const [initial] = await demands.take(demandId, 1);
  const initialId = initial!.proposal.proposalId;
  const counter = await negotiations.counter(demandId, initialId, client);
  const reject = (proposalId: string): Promise<void> => negotiations.reject(demandId, proposalId, 'too dear');
  await expect(reject(counter.proposalId)).rejects.toMatchObject({ code: 'ERR_YAGNA_CONFLICT' });
  await clock.advance(1_000);
  const [draft] = await demands.take(demandId, 1);
  await reject(initialId);
  expect(rejected).toEqual([]);
  await reject(draft!.proposal.proposalId);
  expect(rejected).toEqual([[counter.proposalId, { code: 'Rejected', message: 'too dear' }]]);
  await expect(reject(draft!.proposal.proposalId)).rejects.toMatchObject({ code: 'ERR_YAGNA_GONE' });
  await negotiations.accepted(draft!.proposal.proposalId);
  await expect(reject(draft!.proposal.proposalId)).rejects.toMatchObject({ code: 'ERR_YAGNA_GONE' });
  expect(rejected).toHaveLength(1);
});

it('tells a provider that keeps to an old draft no longer that what it says now is not taken', async () => {
  let properties = { rating: 1 };
  const sent: string[] = [];
  send = async ({ proposalId }) => {
    sent.push(proposalId);
    const offer = { ...sample, properties, expiresAt: clock.now() };
    return { proposalId, answer: { type: 'counter', proposalId: `theirs-${sent.length}`, offer } };
  };
  const { demandId } = await demands.publish(client);
  await counterOf(demandId);
  const [draft] = await demands.take(demandId, 1);
  const { proposalId } = draft!.proposal;
  await negotiations.ready(proposalId);
  expect(rejected).toEqual([]);
  properties = { rating: 2 };
  await expect(negotiations.ready(proposalId)).rejects.toMatchObject({ code: 'ERR_YAGNA_GONE' });
  expect(rejected).toEqual([[sent[2], expect.objectContaining({ code: 'Changed' })]]);
});
