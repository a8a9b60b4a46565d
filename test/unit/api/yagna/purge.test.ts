import { beforeEach, expect, it } from 'vitest';
import { EventRecorder } from '../../../../src/api/rest/yagna/events/recorder.ts';
import { DemandBook } from '../../../../src/api/rest/yagna/market/demand-book.ts';
import { Negotiations } from '../../../../src/api/rest/yagna/market/negotiations.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import { clientEventBucket, clientEventKey } from '../../../../src/api/rest/yagna/events/records.ts';
import {
  demandBucket,
  demandEventBucket,
  proposalBucket,
} from '../../../../src/api/rest/yagna/market/records.ts';
import type { YagnaParts } from '../../../../src/api/yagna-parts.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { draft } from '../../../support/market-node.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';
import { offer as sample, PEER, REQUESTOR } from '../support/samples.ts';

const DAY_MS = 24 * 3_600_000;
const clock = new FakeClock();
const store = memoryStore({ clock });
const offer = { ...sample, properties: draft().properties, expiresAt: clock.now() + 90 * DAY_MS };
const market = {
  offers: {
    get: () => offer,
    explain: () => [{ ...offer, result: true, unmet: [] }],
    onChanged: () => () => undefined,
  },
} as unknown as YagnaParts['market'];
const context = {
  store,
  events: store.events,
  clock,
  logger: silentLogger,
  market,
  newId,
  address: REQUESTOR,
  peerId: PEER,
  stopSignal: new AbortController().signal,
};

beforeEach(() => store.start());

it('drops all events that are too old, however many came since the last time', async () => {
  const recorder = new EventRecorder(context, () => undefined);
  await store.transact(async (tx) => {
    for (let number = 0; number < 3_000; number += 1) {
      const micros = clock.now() * 1000 + number;
      const body = { eventType: 'AgreementApprovedEvent', agreementId: `a${number}` };
      tx.put(clientEventBucket, clientEventKey(micros), { micros, kind: 'agreement', body });
    }
  });
  await clock.advance(30 * DAY_MS + 2);
  await recorder.purge();
  const left = await store.list(clientEventBucket);
  expect(left.map(({ value }) => value.body['agreementId'])).toEqual(
    Array.from({ length: 1_000 }, (_, number) => `a${2_000 + number}`),
  );
});

async function demandWithProposal() {
  const platforms = new Platforms({}, []);
  const book = new DemandBook(context, platforms);
  const negotiations = new Negotiations(context, book, platforms);
  const { demandId } = await book.publish({ properties: {}, constraints: '(&)' });
  await clock.advance(1_000);
  return { book, negotiations, demandId };
}
const all = async (): Promise<number[]> => [
  (await store.list(demandBucket)).length,
  (await store.list(proposalBucket)).length,
  (await store.list(demandEventBucket)).length,
];

it('drops a demand whose time is over with all that hangs on it, though nobody has closed it', async () => {
  const { book, negotiations } = await demandWithProposal();
  await negotiations.purge();
  expect(await all()).toEqual([1, 1, 1]);
  await clock.advance(DAY_MS);
  await negotiations.purge();
  expect(await all()).toEqual([0, 0, 0]);
  book.stop();
});

it('drops a closed demand with its proposals after an hour in which an agreement may still be made of them', async () => {
  const { book, negotiations, demandId } = await demandWithProposal();
  await book.close(demandId);
  await clock.advance(DAY_MS / 24 - 1);
  await negotiations.purge();
  expect(await all()).toEqual([1, 1, 0]);
  await clock.advance(1);
  await negotiations.purge();
  expect(await all()).toEqual([0, 0, 0]);
});
