import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentKind } from '../../../src/interface/identity.ts';
import type { OutboxReply } from '../../../src/interface/outbox.ts';
import type { BillDecision, DebitNote, Invoice, LedgerPayment } from '../../../src/interface/payment.ts';
import type { JsonValue } from '../../../src/interface/store.ts';
import { debitNotesBucket, invoicesBucket } from '../../../src/payment/index.ts';
import { testIdentity, type TestIdentity } from '../../support/identities.ts';
import { PaymentPair } from '../../support/payment-pair.ts';
import type { PaymentNode } from '../../support/payment-node.ts';

const stranger = testIdentity('stranger');
let pair: PaymentPair;

beforeEach(async () => {
  pair = await new PaymentPair().start();
});
afterEach(() => pair.stop());

const json = (value: object): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

async function signed<T extends object>(identity: TestIdentity, kind: DocumentKind, document: T): Promise<T> {
  return { ...document, signature: await identity.signer.sign(kind, document) };
}

/** Plays the message that waits first at `from` to the other side, changed by `change`. */
async function intercept<T>(
  from: PaymentNode,
  to: PaymentNode,
  kind: string,
  change: (body: T) => T | Promise<T>,
  sender = from.sender,
): Promise<OutboxReply> {
  const message = await from.next(to);
  expect(message?.kind).toBe(kind);
  return to.receive(kind, json((await change(message!.body as T)) as object), sender);
}

const refusedWith = (code: string): unknown => ({ error: expect.objectContaining({ code }) });

describe('a debit note on its way', () => {
  beforeEach(async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.clock.settle();
  });
  const send = (
    change: (note: DebitNote) => DebitNote | Promise<DebitNote>,
    sender = pair.provider.sender,
  ): Promise<OutboxReply> => intercept(pair.provider, pair.requestor, 'debit-note', change, sender);
  const asProvider = (note: DebitNote): Promise<DebitNote> =>
    signed(pair.provider.identity, 'DebitNote', note);
  const nothingStored = async (): Promise<void> => {
    expect(await pair.requestor.payment.debitNotes()).toEqual([]);
    expect(await pair.requestor.payment.balances()).toEqual([]);
    expect(await pair.requestor.store.outbox.peers()).toEqual([]);
  };

  it.each([
    ['another amount', (n: DebitNote) => ({ ...n, totalAmountDue: '51' })],
    ['another activity', (n: DebitNote) => ({ ...n, activityId: 'other' })],
    ['other usage', (n: DebitNote) => ({ ...n, usage: { x: '1' } })],
    ['another samples hash', (n: DebitNote) => ({ ...n, samples: { last: 1, hash: n.samples.hash } })],
  ])('is refused with %s', async (_what, change) => {
    expect(await send(change)).toEqual(refusedWith('ERR_IDENTITY_SIGNATURE'));
    await nothingStored();
  });

  it('is refused from a peer that is not the provider, whoever signed it', async () => {
    const sender = { peerId: stranger.peerId, address: stranger.address };
    expect(await send((n) => n, sender)).toEqual(refusedWith('ERR_PAYMENT_NOT_PARTY'));
    const forged = (n: DebitNote): Promise<DebitNote> =>
      signed(stranger, 'DebitNote', { ...n, issuer: stranger.address });
    expect(await send(forged, sender)).toEqual(refusedWith('ERR_PAYMENT_NOT_PARTY'));
    await nothingStored();
  });

  it('is refused when it names other parties than the agreement', async () => {
    expect(await send((n) => asProvider({ ...n, issuer: stranger.address }))).toEqual(
      refusedWith('ERR_PAYMENT_NOT_PARTY'),
    );
    expect(await send((n) => asProvider({ ...n, recipient: stranger.address }))).toEqual(
      refusedWith('ERR_PAYMENT_NOT_PARTY'),
    );
    await nothingStored();
  });

  it('is refused for an agreement or an activity that is not known', async () => {
    expect(await send((n) => asProvider({ ...n, agreementId: 'other' }))).toEqual(
      refusedWith('ERR_PAYMENT_AGREEMENT_NOT_FOUND'),
    );
    expect(await send((n) => asProvider({ ...n, activityId: 'other' }))).toEqual(
      refusedWith('ERR_PAYMENT_ACTIVITY_NOT_FOUND'),
    );
    await nothingStored();
  });

  it('is asked for again when earlier ones are missing', async () => {
    expect(await send((n) => asProvider({ ...n, sequence: 3 }))).toEqual({
      ok: { outcome: 'Resend', from: 1 },
    });
    await nothingStored();
  });

  it('gets the same answer again, and is refused with other content under its id or number', async () => {
    const answer = await send((n) => n);
    const [known] = await pair.requestor.payment.debitNotes();
    expect(answer).toEqual({ ok: { outcome: 'Done', decision: known?.decision } });
    expect(await send((n) => n)).toEqual(answer);
    expect(await send((n) => asProvider({ ...n, totalAmountDue: '49' }))).toEqual(
      refusedWith('ERR_PAYMENT_BILL_FORK'),
    );
    expect(await send((n) => asProvider({ ...n, debitNoteId: 'other' }))).toEqual(
      refusedWith('ERR_PAYMENT_BILL_FORK'),
    );
    expect(await send((n) => asProvider({ ...n, debitNoteId: 'other', sequence: 2 }))).toEqual(
      refusedWith('ERR_PAYMENT_BILL_FORK'),
    );
    expect(await pair.requestor.payment.debitNotes()).toEqual([known]);
  });

  it('is kept out when notes come faster than agreed', async () => {
    const note = (await pair.provider.next(pair.requestor))!.body as unknown as DebitNote;
    let answer: OutboxReply | undefined;
    for (let sequence = 1; sequence <= 17; sequence += 1) {
      const next = await asProvider({ ...note, debitNoteId: `n${sequence}`, sequence, final: false });
      answer = await pair.requestor.receive('debit-note', json(next), pair.provider.sender);
    }
    expect(answer).toEqual(refusedWith('ERR_PAYMENT_TOO_MANY_NOTES'));
    expect(await pair.requestor.payment.debitNotes()).toHaveLength(16);
  });

  it.each([
    ['nothing', null],
    ['a string', 'note'],
    ['no fields', {}],
  ])('must fit its schema: %s', async (_what, body) => {
    expect(await pair.requestor.receive('debit-note', body, pair.provider.sender)).toEqual(
      refusedWith('ERR_CHECK_INVALID'),
    );
  });

  it('is rejected, signed and with the reason, when it is well formed but wrong', async () => {
    await send((n) => asProvider({ ...n, totalAmountDue: '51' }));
    const [record] = await pair.requestor.payment.debitNotes();
    expect(record).toMatchObject({
      state: 'Rejected',
      decision: {
        decision: 'Rejected',
        reason: { code: 'WrongAmount', detail: { expected: '50', billed: '51' } },
      },
    });
    expect(await pair.requestor.payment.allocations.get('alloc')).toMatchObject({ spent: '0' });
  });
});

describe('a decision on its way', () => {
  beforeEach(async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.clock.settle();
    await pair.provider.deliver(pair.requestor, 'answer-lost');
  });
  const send = (
    change: (decision: BillDecision) => BillDecision | Promise<BillDecision>,
    sender = pair.requestor.sender,
  ): Promise<OutboxReply> => intercept(pair.requestor, pair.provider, 'debit-note-decision', change, sender);
  const asRequestor = (d: BillDecision): Promise<BillDecision> =>
    signed(pair.requestor.identity, 'DebitNoteDecision', d);
  const state = async (): Promise<string | undefined> => (await pair.provider.payment.debitNotes())[0]?.state;

  it('is refused when it was changed, is about another sum, or comes from a stranger', async () => {
    expect(await send((d) => ({ ...d, decision: 'Rejected' }))).toEqual(
      refusedWith('ERR_IDENTITY_SIGNATURE'),
    );
    expect(await send((d) => asRequestor({ ...d, amount: '1' }))).toEqual(refusedWith('ERR_PAYMENT_AMOUNT'));
    expect(await send((d) => asRequestor({ ...d, billId: 'other' }))).toEqual(
      refusedWith('ERR_PAYMENT_BILL_NOT_FOUND'),
    );
    const sender = { peerId: stranger.peerId, address: stranger.address };
    expect(await send((d) => d, sender)).toEqual(refusedWith('ERR_PAYMENT_NOT_PARTY'));
    const invoiceKind = (d: BillDecision): Promise<BillDecision> =>
      signed(pair.requestor.identity, 'InvoiceDecision', d);
    expect(await send(invoiceKind)).toEqual(refusedWith('ERR_IDENTITY_SIGNATURE'));
    expect(await state()).toBe('Issued');
  });

  it('cannot be taken back', async () => {
    expect(await send((d) => d)).toEqual({ ok: { outcome: 'Done' } });
    expect(await send((d) => d)).toEqual({ ok: { outcome: 'Done' } });
    expect(await send((d) => asRequestor({ ...d, decision: 'Rejected' }))).toEqual(
      refusedWith('ERR_PAYMENT_DECISION_FORK'),
    );
    expect(await state()).toBe('Accepted');
  });
});

describe('an invoice on its way', () => {
  beforeEach(async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.clock.settle();
    await pair.provider.deliver(pair.requestor);
    await pair.requestor.deliver(pair.provider);
    await pair.terminate();
    await pair.clock.settle();
  });
  const send = (change: (i: Invoice) => Invoice | Promise<Invoice>): Promise<OutboxReply> =>
    intercept(pair.provider, pair.requestor, 'invoice', change);
  const asProvider = (i: Invoice): Promise<Invoice> => signed(pair.provider.identity, 'Invoice', i);
  const line = (i: Invoice): Invoice['activities'][number] => i.activities[0]!;
  const rejectedFor = async (code: string): Promise<void> => {
    expect(await pair.requestor.payment.invoices()).toMatchObject([
      { state: 'Rejected', decision: { reason: { code } } },
    ]);
    expect(await pair.requestor.payment.payments()).toEqual([]);
  };

  it('is refused when it was changed', async () => {
    expect(await send((i) => ({ ...i, amount: '51' }))).toEqual(refusedWith('ERR_IDENTITY_SIGNATURE'));
    expect(await pair.requestor.payment.invoices()).toEqual([]);
  });

  it.each([
    ['WrongAmount', (i: Invoice) => ({ ...i, amount: '51' })],
    ['WrongAmount', (i: Invoice) => ({ ...i, amount: '51', activities: [{ ...line(i), amount: '51' }] })],
    ['DuplicateActivity', (i: Invoice) => ({ ...i, amount: '100', activities: [line(i), line(i)] })],
    ['NoteUnknown', (i: Invoice) => ({ ...i, activities: [{ ...line(i), debitNoteId: 'other' }] })],
    ['WrongPlatform', (i: Invoice) => ({ ...i, platform: 'erc20' })],
  ])('is rejected as %s when it is not what was accepted', async (code, change) => {
    expect(await send((i) => asProvider(change(i)))).toEqual({ ok: { outcome: 'Done' } });
    await rejectedFor(code);
  });

  it('is the only one of its agreement', async () => {
    await send((i) => i);
    expect(await send((i) => asProvider({ ...i, invoiceId: 'second' }))).toEqual(
      refusedWith('ERR_PAYMENT_INVOICE_EXISTS'),
    );
    expect(await send((i) => asProvider({ ...i, amount: '0' }))).toEqual(
      refusedWith('ERR_PAYMENT_BILL_FORK'),
    );
    expect(await pair.requestor.payment.payments()).toHaveLength(1);
  });
});

describe('a payment on its way', () => {
  beforeEach(async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.terminate();
    for (let turn = 0; turn < 20; turn += 1) {
      await pair.clock.settle();
      await pair.provider.deliver(pair.requestor);
      if ((await pair.requestor.next(pair.provider))?.kind === 'payment') return;
      await pair.requestor.deliver(pair.provider);
    }
  });
  const send = (
    change: (p: LedgerPayment) => LedgerPayment | Promise<LedgerPayment>,
    sender = pair.requestor.sender,
  ): Promise<OutboxReply> => intercept(pair.requestor, pair.provider, 'payment', change, sender);
  const asPayer = (p: LedgerPayment): Promise<LedgerPayment> =>
    signed(pair.requestor.identity, 'LedgerPayment', p);

  it('is refused when it was changed, or is not between payer and payee', async () => {
    expect(await send((p) => ({ ...p, amount: '1' }))).toEqual(refusedWith('ERR_IDENTITY_SIGNATURE'));
    const sender = { peerId: stranger.peerId, address: stranger.address };
    expect(await send((p) => p, sender)).toEqual(refusedWith('ERR_PAYMENT_NOT_PARTY'));
    expect(await send((p) => asPayer({ ...p, payee: stranger.address }))).toEqual(
      refusedWith('ERR_PAYMENT_NOT_PARTY'),
    );
    expect(await send((p) => asPayer({ ...p, cumulative: '49' }))).toEqual(
      refusedWith('ERR_PAYMENT_LEDGER_SUM'),
    );
    expect(await pair.provider.payment.payments()).toEqual([]);
  });

  it('waits for the ones before it', async () => {
    expect(await send((p) => asPayer({ ...p, sequence: 3, cumulative: '150' }))).toEqual({
      ok: { outcome: 'Resend', from: 1 },
    });
  });

  it('is booked once; another one with its number is a fork', async () => {
    expect(await send((p) => p)).toEqual({ ok: { outcome: 'Done' } });
    const [booked] = await pair.provider.payment.payments();
    expect(await send((p) => p)).toEqual({ ok: { outcome: 'Done', receipt: booked?.value.receipt } });
    expect(await send((p) => asPayer({ ...p, paymentId: 'other' }))).toEqual(
      refusedWith('ERR_PAYMENT_LEDGER_FORK'),
    );
    expect(await pair.provider.payment.payments()).toHaveLength(1);
  });

  it('is booked as money, but settles no invoice that it does not fit', async () => {
    expect(await send((p) => asPayer({ ...p, amount: '1', cumulative: '1' }))).toEqual({
      ok: { outcome: 'Done' },
    });
    await pair.clock.settle();
    expect((await pair.provider.payment.invoices())[0]?.state).not.toBe('Settled');
  });

  it('is settled at the payer only by the payee’s own receipt', async () => {
    await pair.requestor.deliver(pair.provider, 'whole');
    await pair.clock.settle();
    const message = await pair.provider.next(pair.requestor);
    expect(message?.kind).toBe('payment-receipt');
    const tampered = json({ ...(message!.body as object), cumulative: '1' });
    expect(await pair.requestor.receive('payment-receipt', tampered, pair.provider.sender)).toEqual(
      refusedWith('ERR_IDENTITY_SIGNATURE'),
    );
    const sender = { peerId: stranger.peerId, address: stranger.address };
    expect(await pair.requestor.receive('payment-receipt', message!.body, sender)).toEqual(
      refusedWith('ERR_PAYMENT_NOT_PARTY'),
    );
    expect((await pair.requestor.payment.invoices())[0]?.state).toBe('Accepted');
  });
});

describe('payments that were lost', () => {
  it('are sent again when the payee asks, and nothing is booked twice', async () => {
    await pair.agree('agr2');
    for (const id of ['agr', 'agr2']) {
      await pair.create(`act-${id}`, id);
      await pair.end(`act-${id}`);
      await pair.terminate(id);
    }
    const { provider, requestor } = pair;
    let lost = false;
    for (let idle = 0; idle < 3;) {
      await pair.clock.settle();
      const message = await requestor.next(provider);
      if (message?.kind === 'payment' && !lost) {
        lost = true;
        await requestor.store.transact(async (tx) => requestor.store.outbox.settle(tx, message));
      }
      const moved = (await provider.deliver(requestor)) || (await requestor.deliver(provider));
      idle = moved ? 0 : idle + 1;
    }
    expect(lost).toBe(true);
    for (const node of [provider, requestor]) {
      expect((await node.payment.payments()).map(({ value }) => value.state)).toEqual(['Settled', 'Settled']);
      expect((await node.payment.invoices()).map(({ state }) => state)).toEqual(['Settled', 'Settled']);
    }
  });
});

describe('a failure of our own', () => {
  it('is no refusal: the message stays at its sender and comes again', async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.clock.settle();
    await pair.requestor.store.stop();
    const failing = pair.provider.deliver(pair.requestor);
    await expect(failing).rejects.toThrow('could not be handled now');
    await pair.requestor.store.start();
    expect((await pair.provider.next(pair.requestor))?.kind).toBe('debit-note');
  });
});

describe('a repeated event', () => {
  it('makes no second final note', async () => {
    await pair.create('act');
    await pair.end('act');
    await pair.provider.store.transact(async (tx) => {
      tx.emit({ type: 'activity.ended', subject: 'act', data: {} });
      tx.emit({ type: 'activity.ended', subject: 'nobody', data: {} });
    });
    await pair.terminate();
    await pair.quiesce();
    expect(await pair.provider.payment.debitNotes()).toHaveLength(1);
    expect((await pair.provider.payment.invoices())[0]?.state).toBe('Settled');
  });
});

describe('a bill at rest', () => {
  it('shows what was changed', async () => {
    await pair.create('act');
    await pair.clock.advance(2_000);
    await pair.use('act', 1, 2);
    await pair.end('act');
    await pair.terminate();
    await pair.quiesce();
    const { store, payment } = pair.requestor;
    const [note] = await payment.debitNotes();
    const [invoice] = await payment.invoices();
    const wrong = async (record: Parameters<typeof payment.verify>[0]): Promise<string[]> =>
      (await payment.verify(record)).filter(({ ok }) => !ok).map(({ check }) => check);
    expect(await wrong(note!)).toEqual([]);
    expect(await wrong({ ...note!, note: { ...note!.note, totalAmountDue: '1' } })).toEqual([
      'issuer-signature',
      'decision-signature',
      'amount',
    ]);
    const hash = `0x${'1'.repeat(64)}`;
    expect(await wrong({ ...note!, note: { ...note!.note, samples: { last: 1, hash } } })).toEqual([
      'issuer-signature',
      'samples',
    ]);
    expect(await wrong({ ...note!, decision: { ...note!.decision!, at: 1 } })).toEqual([
      'decision-signature',
    ]);
    expect(await wrong({ ...invoice!, invoice: { ...invoice!.invoice, amount: '1' } })).toContain('amount');
    expect(await wrong({ ...note!, note: { ...note!.note, agreementId: 'other' } })).toEqual(['parties']);
    expect(await store.get(debitNotesBucket, note!.note.debitNoteId)).toEqual(note);
    expect(await store.get(invoicesBucket, invoice!.invoice.invoiceId)).toEqual(invoice);
  });
});
