import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PaymentRecord } from '../../../../src/interface/index.ts';
import { save } from '../support/fakes.ts';
import { AT, debitNoteRecord, invoiceRecord, PROVIDER, REQUESTOR, SIGNATURE } from '../support/samples.ts';
import { bookBuckets } from '../support/world.ts';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

const P = '/payment-api/v1';
let world: YagnaWorld;
beforeEach(async () => {
  world = await yagnaWorld();
  // By counterparty and sequence: neither the order in which they were made, nor that of their ids.
  for (const [key, id, at] of [
    ['sent.a.1', 'p3', AT + 3_000],
    ['sent.a.2', 'p4', AT + 4_000],
    ['sent.b.1', 'p1', AT + 1_000],
    ['sent.b.2', 'p2', AT + 2_000],
  ] as const)
    await save(world.store, bookBuckets.payments, key, paymentRecord(id, at));
});
afterEach(() => world.stop());

function paymentRecord(paymentId: string, createdAt: number): PaymentRecord {
  const payment = {
    paymentId,
    platform: 'ledger',
    payer: REQUESTOR,
    payee: PROVIDER,
    invoiceId: `i-${paymentId}`,
    agreementId: `a-${paymentId}`,
    amount: '1',
    sequence: 1,
    cumulative: '1',
    createdAt,
    signature: SIGNATURE,
  };
  return { direction: 'sent', state: 'Settled', payment, stateChangedAt: createdAt };
}

const ids = async (path: string): Promise<string[]> =>
  (await world.request('GET', P + path)).json<{ paymentId: string }[]>().map(({ paymentId }) => paymentId);

it('lists payments oldest first, as many as are asked for, after a time and on a network', async () => {
  expect(await ids('/payments?timeout=0')).toEqual(['p1', 'p2', 'p3', 'p4']);
  const after = new Date(AT + 1_000).toISOString();
  expect(await ids(`/payments?timeout=0&maxEvents=2&afterTimestamp=${after}`)).toEqual(['p2', 'p3']);
  expect(await ids('/payments?timeout=0&network=holesky&driver=erc20')).toHaveLength(4);
  expect(await ids('/payments?timeout=0&network=polygon')).toEqual([]);
});

it('dates a payment by when it came, not by the clock of whoever made it', async () => {
  const { payment } = paymentRecord('p5', AT - 3_600_000);
  const { paymentId, platform, payer, payee, sequence, cumulative } = payment;
  const at = AT + 5_000;
  const receipt = { paymentId, platform, payer, payee, sequence, cumulative, at, signature: SIGNATURE };
  const received = { direction: 'received', state: 'Settled', payment, receipt, stateChangedAt: at } as const;
  await save(world.store, bookBuckets.payments, 'received.c.1', received);
  const after = new Date(AT + 4_000).toISOString();
  const [found] = (await world.request('GET', `${P}/payments?timeout=0&afterTimestamp=${after}`)).json<
    object[]
  >();
  expect(found).toMatchObject({ paymentId: 'p5', timestamp: new Date(at).toISOString() });
});

it('finds a payment by its id, by its invoice, and by a debit note of its agreement', async () => {
  expect((await world.request('GET', `${P}/payments/p3`)).json()).toMatchObject({ paymentId: 'p3' });
  expect((await world.request('GET', `${P}/payments/sent.a.1`)).statusCode).toBe(404);
  await save(world.store, bookBuckets.invoices, 'i-p2', invoiceRecord('i-p2'));
  expect(await ids('/invoices/i-p2/payments')).toEqual(['p2']);
  const { note, ...record } = debitNoteRecord('n1');
  const about = { ...record, note: { ...note, agreementId: 'a-p4' } };
  await save(world.store, bookBuckets.debitNotes, 'n1', about);
  expect(await ids('/debitNotes/n1/payments')).toEqual(['p4']);
});
