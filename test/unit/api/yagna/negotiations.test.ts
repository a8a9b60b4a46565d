import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemandBook } from '../../../../src/api/rest/yagna/market/demand-book.ts';
import { Negotiations } from '../../../../src/api/rest/yagna/market/negotiations.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import type { YagnaParts } from '../../../../src/api/yagna-parts.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { draft } from '../../../support/market-node.ts';
import { silentLogger } from '../../../support/silent-logger.ts';
import { offer as sample } from '../support/samples.ts';

const clock = new FakeClock();
const store = memoryStore({ clock });
const stopping = new AbortController();
const sent: string[] = [];
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
    proposals: {
      send: async ({ proposalId }: { proposalId: string }) => {
        sent.push(proposalId);
        return { proposalId, answer: { type: 'rejected', reason: { code: 'Busy', message: 'no room' } } };
      },
    },
  } as unknown as YagnaParts['market'];
  const platforms = new Platforms({}, []);
  const context = { store, clock, logger: silentLogger, market, newId };
  demands = new DemandBook(context, platforms);
  const me = { address: sample.provider, peerId: sample.peerId, stopSignal: stopping.signal };
  negotiations = new Negotiations({ ...context, ...me }, demands, platforms);
});
afterEach(() => demands.stop());

it('brings a counter-proposal to the provider once its client knows it, and not before', async () => {
  const client = { properties: {}, constraints: '(&)' };
  const { demandId } = await demands.publish(client);
  await clock.advance(100);
  const [initial] = await demands.take(demandId, 1);
  const told = Promise.withResolvers<undefined>();
  const { proposalId } = await negotiations.counter(
    demandId,
    initial!.proposal.proposalId,
    client,
    told.promise,
  );
  await clock.advance(100);
  expect(sent).toEqual([]);
  told.resolve(undefined);
  await clock.advance(100);
  expect(sent).toEqual([proposalId]);
  expect(await demands.take(demandId, 10)).toEqual([]);
  await clock.advance(1_000);
  const heard = await demands.take(demandId, 10);
  expect(heard.map(({ event }) => [event.proposalId, event.rejection])).toEqual([[proposalId, 'no room']]);
});
