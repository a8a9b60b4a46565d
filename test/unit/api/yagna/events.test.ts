import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agreementNoteBucket } from '../../../../src/api/rest/yagna/market/records.ts';
import { buckets, save } from '../support/fakes.ts';
import { agreementRecord, PROVIDER } from '../support/samples.ts';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

interface Event {
  readonly eventDate: string;
  readonly eventType: string;
  readonly agreementId?: string;
  readonly debitNoteId?: string;
}

let world: YagnaWorld;
beforeEach(async () => {
  world = await yagnaWorld();
});
afterEach(() => world.stop());

async function agreement(agreementId: string, appSessionId?: string): Promise<void> {
  await save(world.store, buckets.agreements, agreementId, agreementRecord(agreementId));
  await save(world.store, agreementNoteBucket, agreementId, {
    agreementId,
    demandId: 'd',
    proposalId: 'p',
    marketOfferId: 'o',
    provider: PROVIDER,
    client: { properties: {}, constraints: '(&)' },
    validTo: 1,
    createdAt: 1,
    ...(appSessionId !== undefined && { appSessionId }),
  });
}

/** All at once: they get the same time. */
const happen = (...events: [type: string, subject: string, data?: Record<string, string>][]) =>
  world.store.transact(async (tx) => {
    for (const [type, subject, data = {}] of events) tx.emit({ type, subject, data });
  });

async function poll(path: string, query: Record<string, string | number> = {}): Promise<Event[]> {
  const search = new URLSearchParams({ timeout: '5', maxEvents: '100', ...mapped(query) });
  return (await world.request('GET', `${path}?${search.toString()}`)).json<Event[]>();
}
const mapped = (query: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));

const AGREEMENTS = '/market-api/v1/agreementEvents';
const NOTES = '/payment-api/v1/debitNoteEvents';
const INVOICES = '/payment-api/v1/invoiceEvents';
const ACTIVITIES = '/activity-api/v1/events';

/** Polls until so many have come: what has happened is turned into clients' events behind the scenes. */
async function all(path: string, count: number): Promise<Event[]> {
  const found: Event[] = [];
  while (found.length < count) {
    const last = found.at(-1)?.eventDate;
    found.push(...(await poll(path, { ...(last !== undefined && { afterTimestamp: last }) })));
  }
  return found;
}

describe('events that clients poll for', () => {
  it('have dates of their own that grow, also when they happened at once', async () => {
    await agreement('a1');
    await happen(...Array.from({ length: 20 }, () => ['agreement.approved', 'a1'] as [string, string]));
    const dates = (await all(AGREEMENTS, 20)).map(({ eventDate }) => eventDate);
    expect(new Set(dates).size).toBe(20);
    expect([...dates].sort()).toEqual(dates);
    for (const date of dates) expect(date).toMatch(/\.\d{6}Z$/);
  });

  it('come strictly after the date that is named, and no more than are asked for', async () => {
    await agreement('a1');
    await happen(['agreement.approved', 'a1'], ['agreement.terminated', 'a1'], ['agreement.approved', 'a1']);
    const events = await all(AGREEMENTS, 3);
    const [first, second, third] = events.map(({ eventDate }) => eventDate);
    expect(await poll(AGREEMENTS, { afterTimestamp: first! })).toEqual(events.slice(1));
    expect(await poll(AGREEMENTS, { afterTimestamp: second! })).toEqual(events.slice(2));
    expect(await poll(AGREEMENTS, { afterTimestamp: third!, timeout: 0 })).toEqual([]);
    expect(await poll(AGREEMENTS, { maxEvents: 2 })).toEqual(events.slice(0, 2));
    const zoned = second!.replace('Z', '+00:00');
    expect(await poll(AGREEMENTS, { afterTimestamp: zoned })).toEqual(events.slice(2));
  });

  it('are those of the session that is named, or of all', async () => {
    await agreement('a1', 'mine');
    await agreement('a2', 'other');
    await agreement('a3');
    await happen(['agreement.approved', 'a1'], ['agreement.approved', 'a2'], ['agreement.approved', 'a3']);
    expect((await all(AGREEMENTS, 3)).map(({ agreementId }) => agreementId)).toEqual(['a1', 'a2', 'a3']);
    expect(await poll(AGREEMENTS, { appSessionId: 'mine' })).toMatchObject([{ agreementId: 'a1' }]);
    expect(await poll(AGREEMENTS, { appSessionId: 'nobody', timeout: 0 })).toEqual([]);
  });

  it('wake a poll that waits for them', async () => {
    await agreement('a1', 'mine');
    const waiting = poll(AGREEMENTS, { appSessionId: 'mine', timeout: 60 });
    await happen(['agreement.approved', 'a1']);
    expect(await waiting).toMatchObject([{ eventType: 'AgreementApprovedEvent', agreementId: 'a1' }]);
  });

  it('tell each party what comes to it, and not what it did itself', async () => {
    await agreement('a1');
    const of = (role: string): Record<string, string> => ({ role, agreementId: 'a1' });
    const states = ['received', 'accepted', 'rejected', 'settled', 'failed', 'cancelled'];
    for (const [bill, path, word] of [
      ['debit-note', NOTES, 'DebitNote'],
      ['invoice', INVOICES, 'Invoice'],
    ] as const) {
      await happen(
        ...states.map(
          (state) =>
            [`${bill}.${state}`, 'as-requestor', of('requestor')] as [string, string, Record<string, string>],
        ),
        ...states.map(
          (state) =>
            [`${bill}.${state}`, 'as-provider', of('provider')] as [string, string, Record<string, string>],
        ),
      );
      expect((await all(path, 7)).map(({ eventType }) => eventType)).toEqual(
        ['Received', 'Cancelled', 'Accepted', 'Rejected', 'Settled', 'Failed', 'Cancelled'].map(
          (each) => `${word}${each}Event`,
        ),
      );
    }
  });

  it('tell a provider of its activities alone', async () => {
    await agreement('a1');
    for (const role of ['requestor', 'provider'])
      await happen(
        ['activity.created', role, { role, agreementId: 'a1' }],
        ['activity.ended', role, { role, agreementId: 'a1' }],
      );
    expect(await all(ACTIVITIES, 2)).toMatchObject([
      { eventType: 'CreateActivity', activityId: 'provider', agreementId: 'a1' },
      { eventType: 'DestroyActivity', activityId: 'provider', agreementId: 'a1' },
    ]);
  });
});
