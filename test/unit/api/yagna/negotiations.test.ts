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
let demands: DemandBook;
let negotiations: Negotiations;

beforeEach(async () => {
  await store.start();
  const offer = { ...sample, properties: draft().properties, expiresAt: clock.now() + 3_600_000 };
  const market = {
    offers: {
      get: () => offer,
      explain: () => [{ ...offer, result: true, unmet: [] }],
      onChanged: () => () => undefined,
    },
    proposals: { send: (request: { proposalId: string }) => send(request) },
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
