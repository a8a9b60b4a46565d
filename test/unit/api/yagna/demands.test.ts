import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemandBook } from '../../../../src/api/rest/yagna/market/demand-book.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import type { YagnaParts } from '../../../../src/api/yagna-parts.ts';
import type { Offer } from '../../../../src/interface/index.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { newId } from '../../../../src/util/id.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { draft } from '../../../support/market-node.ts';
import { silentLogger } from '../../../../src/util/silent-logger.ts';
import { offer as sample } from '../support/samples.ts';

const clock = new FakeClock();
const store = memoryStore({ clock });
const offers = new Map<string, Offer>();
let changed: () => void = () => undefined;
let book: DemandBook;

function put(offerId: string): void {
  const { properties } = draft();
  offers.set(offerId, { ...sample, offerId, properties, expiresAt: clock.now() + 3_600_000 });
}

beforeEach(async () => {
  await store.start();
  const market = {
    offers: {
      get: (offerId: string) => offers.get(offerId),
      explain: () => [...offers.values()].map((offer) => ({ ...offer, result: true, unmet: [] })),
      onChanged: (listener: () => void) => {
        changed = listener;
        return () => undefined;
      },
    },
  } as unknown as YagnaParts['market'];
  book = new DemandBook({ store, clock, logger: silentLogger, market, newId }, new Platforms({}, []));
});
afterEach(() => book.stop());

it('tells a client only of offers that are still there when it asks', async () => {
  put(newId());
  const { demandId } = await book.publish({ properties: {}, constraints: '(&)' });
  await clock.advance(100);
  // Sold out, and on offer again under another id, before the client has asked.
  offers.clear();
  const again = newId();
  put(again);
  changed();
  await clock.advance(100);
  const told = await book.take(demandId, 10);
  expect(told.map(({ proposal }) => proposal.marketOfferId)).toEqual([again]);
  expect(await book.take(demandId, 10)).toEqual([]);
});

it('keeps nothing of a demand that is never closed once its time is over', async () => {
  const waiting = clock.pending;
  const expiration = clock.now() + 60_000;
  // As many as may be open at once.
  for (let number = 0; number < 1024; number += 1)
    await book.publish({ properties: { 'golem.srv.comp.expiration': expiration }, constraints: '(&)' });
  await expect(book.publish({ properties: {}, constraints: '(&)' })).rejects.toThrow('open already');
  await clock.advance(60_000);
  expect(clock.pending).toBe(waiting);
  await book.publish({ properties: {}, constraints: '(&)' });
});
