import { afterEach, describe, expect, it } from 'vitest';
import { PaymentPair, type PairInit } from '../../support/payment-pair.ts';
import { agreementsTwin } from '../../support/payment-world.ts';

let pair: PaymentPair;
const start = async (init?: PairInit): Promise<PaymentPair> => (pair = await new PaymentPair(init).start());
afterEach(() => pair.stop());

describe('from usage to settled books', () => {
  it('bills at the interval and at the end, invoices, pays, and settles on both sides', async () => {
    const { provider, requestor, clock } = await start();
    await pair.create('act');
    await pair.quiesce();
    await clock.advance(9_000);
    await pair.use('act', 1, 9);
    await clock.advance(1_500);
    await pair.quiesce();

    const [interim] = await requestor.payment.debitNotes();
    expect(interim).toMatchObject({
      state: 'Accepted',
      note: { sequence: 1, final: false, totalAmountDue: String(50 + 9 * 1000 + 4.5 * 7000) },
    });
    expect((await provider.payment.debitNotes())[0]?.state).toBe('Accepted');

    await clock.advance(2_000);
    await pair.use('act', 2, 12);
    await pair.end('act');
    await pair.terminate();
    await pair.quiesce();

    const due = String(50 + 12 * 1000 + 6 * 7000);
    for (const node of [provider, requestor]) {
      const notes = await node.payment.debitNotes();
      expect(notes.map(({ note, state }) => [note.sequence, note.final, state])).toEqual([
        [1, false, 'Settled'],
        [2, true, 'Settled'],
      ]);
      const invoices = await node.payment.invoices();
      expect(invoices).toHaveLength(1);
      expect(invoices[0]).toMatchObject({ state: 'Settled', invoice: { amount: due } });
      const payments = await node.payment.payments();
      expect(payments).toHaveLength(1);
      expect(payments[0]?.value).toMatchObject({
        state: 'Settled',
        payment: { amount: due, cumulative: due },
      });
      expect(payments[0]?.value.receipt).toBeDefined();
      expect(invoices[0]?.paymentId).toBe(payments[0]?.value.payment.paymentId);
      expect(await node.payment.billing('agr')).toMatchObject({ billed: due, accepted: due, settled: due });
      expect(await node.payment.balances()).toMatchObject([{ billed: due, accepted: due, settled: due }]);
      for (const record of [...notes, ...invoices])
        expect((await node.payment.verify(record)).filter(({ ok }) => !ok)).toEqual([]);
    }
    expect(await requestor.payment.allocations.get('alloc')).toMatchObject({ spent: due });
  });

  it('waits for nothing any more once all is settled', async () => {
    const { clock } = await start();
    const waiting = clock.pending;
    await pair.create('act');
    await clock.advance(10_000);
    await pair.quiesce();
    await pair.end('act');
    await pair.terminate();
    await pair.quiesce();
    expect(clock.pending).toBe(waiting);
  });

  it('invoices an agreement without activities with 0, and settles it without a payment', async () => {
    const { provider, requestor } = await start();
    await pair.terminate();
    await pair.quiesce();
    for (const node of [provider, requestor]) {
      expect(await node.payment.invoices()).toMatchObject([
        { state: 'Settled', invoice: { amount: '0', activities: [] } },
      ]);
      expect(await node.payment.payments()).toEqual([]);
    }
  });

  it('waits with the invoice for the last activity, whichever ends first', async () => {
    const { provider } = await start();
    await pair.create('a');
    await pair.create('b');
    await pair.end('a');
    await pair.terminate();
    await pair.quiesce();
    expect(await provider.payment.invoices()).toEqual([]);
    await pair.end('b');
    await pair.quiesce();
    const [record] = await provider.payment.invoices();
    expect(record).toMatchObject({ state: 'Settled', invoice: { amount: '100' } });
    expect(record?.invoice.activities).toHaveLength(2);
  });

  it('pays several agreements in one sequence', async () => {
    const { provider, requestor } = await start();
    for (const id of ['agr2', 'agr3']) await pair.agree(id);
    for (const id of ['agr', 'agr2', 'agr3']) {
      await pair.create(`act-${id}`, id);
      await pair.end(`act-${id}`);
      await pair.terminate(id);
    }
    await pair.quiesce();
    const sums = (await provider.payment.payments()).map(({ value }) => [
      value.payment.sequence,
      value.payment.cumulative,
    ]);
    expect(sums).toEqual([
      [1, '50'],
      [2, '100'],
      [3, '150'],
    ]);
    expect(await requestor.payment.balances()).toMatchObject([{ settled: '150' }]);
  });
});

describe('when a side does not keep its word', () => {
  it('ends an agreement whose note is not accepted in the agreed time, and still invoices it', async () => {
    const { provider, clock } = await start();
    await pair.create('act');
    await clock.advance(10_000);
    await clock.advance(30_000);
    expect((await provider.store.get(agreementsTwin, 'agr'))?.state).toBe('Terminated');
    expect((await provider.store.get(agreementsTwin, 'agr'))?.reason?.code).toBe('PaymentDefault');
    const notes = await provider.payment.debitNotes({ where: { index: 'state', equals: 'Failed' } });
    expect(notes[0]?.note.sequence).toBe(1);
    // The requestor was only away: what it decides late still counts.
    await pair.end('act');
    await pair.quiesce();
    expect((await provider.payment.invoices())[0]?.state).toBe('Settled');
    expect((await provider.payment.debitNotes()).map(({ state }) => state)).not.toContain('Failed');
  });

  it('remembers over a restart that an agreement has to end', async () => {
    const { provider, clock } = await start();
    await pair.create('act');
    await clock.advance(10_000);
    await provider.payment.stop();
    await clock.advance(60_000);
    await provider.boot();
    await clock.advance(1);
    expect((await provider.store.get(agreementsTwin, 'agr'))?.state).toBe('Terminated');
  });

  it('keeps trying to end it while the market fails, and after a restart', async () => {
    const { provider, clock } = await start();
    const state = async () => (await provider.store.get(agreementsTwin, 'agr'))?.state;
    provider.marketFails = true;
    await pair.create('act');
    await clock.advance(60_000);
    expect(await state()).toBe('Approved');
    await provider.payment.stop();
    provider.marketFails = false;
    await provider.boot();
    await clock.advance(1);
    expect(await state()).toBe('Terminated');
  });

  it('goes on billing at the interval after a restart', async () => {
    const { provider, clock } = await start();
    await pair.create('act');
    await clock.advance(9_000);
    await provider.reboot();
    await clock.advance(1_000);
    expect(await provider.payment.debitNotes()).toHaveLength(1);
    await clock.advance(10_000);
    expect(await provider.payment.debitNotes()).toHaveLength(2);
  });

  it('asks no decision on a note when a later one was accepted in time', async () => {
    const { provider, requestor, clock } = await start({ payment: { decideAtOnce: false } });
    await pair.create('act');
    for (let note = 0; note < 2; note += 1) {
      await clock.advance(10_000);
      await pair.quiesce();
    }
    const [, second] = await requestor.payment.debitNotes();
    await requestor.payment.bills.accept(second!.note.debitNoteId);
    await pair.quiesce();
    await clock.advance(21_000);
    await pair.quiesce();
    expect((await provider.payment.debitNotes())[0]?.state).toBe('Received');
    expect((await provider.store.get(agreementsTwin, 'agr'))?.state).toBe('Approved');
  });

  it('ends the agreement when a note is rejected, and invoices what was accepted before', async () => {
    const { provider, requestor, clock } = await start({ budget: '60000' });
    await pair.create('act');
    await clock.advance(9_000);
    await pair.use('act', 1, 9);
    await clock.advance(1_000);
    await pair.quiesce();
    await clock.advance(9_000);
    await pair.use('act', 2, 19);
    await clock.advance(1_000);
    await pair.quiesce();
    const [, second] = await provider.payment.debitNotes();
    expect(second).toMatchObject({ state: 'Rejected', decision: { reason: { code: 'AllocationExceeded' } } });
    expect((await provider.store.get(agreementsTwin, 'agr'))?.state).toBe('Terminated');
    await pair.end('act');
    await pair.quiesce();
    const accepted = String(50 + 9 * 1000 + 4.5 * 7000);
    for (const node of [provider, requestor])
      expect(await node.payment.invoices()).toMatchObject([
        { state: 'Settled', invoice: { amount: accepted } },
      ]);
    expect(await requestor.payment.allocations.get('alloc')).toMatchObject({
      spent: accepted,
      remaining: String(60_000n - BigInt(accepted)),
    });
  });

  it('marks an invoice overdue, and settles it all the same when the money comes', async () => {
    const { provider, clock } = await start();
    await pair.create('act');
    await pair.end('act');
    await pair.terminate();
    await clock.settle();
    await clock.advance(30_000);
    await clock.advance(60_000);
    expect((await provider.payment.invoices())[0]?.state).toBe('Failed');
    await pair.quiesce();
    expect((await provider.payment.invoices())[0]?.state).toBe('Settled');
  });

  it('serves a requestor no longer that owes more than its credit', async () => {
    const { provider, clock } = await start({ providerLedger: { maxDue: '0.000000000000010000' } });
    await pair.create('act');
    await clock.advance(9_000);
    await pair.use('act', 1, 9);
    await clock.advance(1_000);
    await pair.quiesce();
    expect((await provider.store.get(agreementsTwin, 'agr'))?.reason).toMatchObject({
      code: 'PaymentDefault',
      detail: { limit: '10000' },
    });
  });

  it('rejects what would make this node owe more than it allows itself', async () => {
    const { requestor } = await start({ requestorLedger: { maxOwed: '0.00000000000000004' } });
    await pair.create('act');
    await pair.end('act');
    await pair.quiesce();
    expect(await requestor.payment.debitNotes()).toMatchObject([
      { state: 'Rejected', decision: { reason: { code: 'CreditLimitExceeded' } } },
    ]);
  });
});

describe('bills decided by hand', () => {
  it('waits, accepts and rejects, and lets the provider take a bill back', async () => {
    const { provider, requestor, clock } = await start({
      payment: { decideAtOnce: false },
      terms: { debitNoteAcceptTimeoutMs: 3_600_000 },
    });
    for (const id of ['a', 'b', 'c']) {
      await pair.create(id);
      await pair.end(id);
      await clock.settle();
    }
    await pair.quiesce();
    const notes = await provider.payment.debitNotes();
    expect(notes.map(({ state }) => state)).toEqual(['Received', 'Received', 'Received']);
    const [a, b, c] = notes.map(({ note }) => note.debitNoteId) as [string, string, string];
    await requestor.payment.bills.accept(a);
    await requestor.payment.bills.reject(b, { code: 'Disputed', message: 'not ordered' });
    await provider.payment.bills.cancel(c, { code: 'Goodwill', message: 'it was too slow' });
    await pair.quiesce();
    for (const node of [provider, requestor])
      expect((await node.payment.debitNotes()).map(({ state }) => state)).toEqual([
        'Accepted',
        'Rejected',
        'Cancelled',
      ]);
    await expect(requestor.payment.bills.reject(a, { code: 'Late', message: '' })).rejects.toMatchObject({
      code: 'ERR_PAYMENT_STATE',
    });
    await expect(requestor.payment.bills.accept('nothing')).rejects.toMatchObject({
      code: 'ERR_PAYMENT_BILL_NOT_FOUND',
    });
  });

  it('invoices soon after the end, though nobody has decided on the last note; the invoice stands for it', async () => {
    const { provider, requestor, clock } = await start({
      payment: { decideAtOnce: false },
      terms: { debitNoteAcceptTimeoutMs: 3_600_000 },
    });
    await pair.create('act');
    await pair.end('act');
    await pair.terminate();
    await pair.quiesce();
    await clock.advance(4_000);
    await pair.quiesce();
    expect(await provider.payment.invoices()).toEqual([]);
    await provider.reboot();
    await clock.advance(1_000);
    await pair.quiesce();
    const [received] = await requestor.payment.invoices();
    expect(received).toMatchObject({ state: 'Received', invoice: { amount: '50' } });
    const { invoiceId, activities } = received!.invoice;
    const no = { code: 'TooLate', message: '' };
    await expect(requestor.payment.bills.reject(activities[0]!.debitNoteId, no)).rejects.toMatchObject({
      code: 'ERR_PAYMENT_INVOICED',
      detail: { invoiceId },
    });
    await requestor.payment.bills.accept(invoiceId, { withNotes: true });
    await pair.quiesce();
    for (const node of [provider, requestor]) {
      expect((await node.payment.invoices()).map(({ state }) => state)).toEqual(['Settled']);
      expect((await node.payment.debitNotes()).map(({ state }) => state)).toEqual(['Settled']);
      expect(await node.payment.balances()).toMatchObject([{ billed: '50', accepted: '50', settled: '50' }]);
    }
  });

  it('lets a note be rejected again once its invoice is', async () => {
    const { requestor } = await start({
      payment: { decideAtOnce: false },
      terms: { debitNoteAcceptTimeoutMs: 3_600_000 },
    });
    await pair.create('act');
    await pair.end('act');
    await pair.quiesce();
    await pair.clock.advance(60_000);
    await pair.terminate();
    await pair.quiesce();
    const [received] = await requestor.payment.invoices();
    const { invoiceId, activities } = received!.invoice;
    const no = { code: 'BadService', message: '' };
    await requestor.payment.bills.reject(invoiceId, no);
    await requestor.payment.bills.reject(activities[0]!.debitNoteId, no);
    await pair.quiesce();
    for (const node of [pair.provider, requestor]) {
      expect((await node.payment.invoices()).map(({ state }) => state)).toEqual(['Rejected']);
      expect((await node.payment.debitNotes()).map(({ state }) => state)).toEqual(['Rejected']);
    }
  });

  it('invoices at once when the last note was left alone before the agreement ended', async () => {
    const { provider } = await start({
      payment: { decideAtOnce: false },
      terms: { debitNoteAcceptTimeoutMs: 3_600_000 },
    });
    await pair.create('act');
    await pair.end('act');
    await pair.quiesce();
    await pair.clock.advance(60_000);
    expect(await provider.payment.invoices()).toEqual([]);
    await pair.terminate();
    await pair.quiesce();
    expect(await provider.payment.invoices()).toMatchObject([{ state: 'Received' }]);
  });

  it('invoices what was accepted before when the last note is rejected in time', async () => {
    const { provider, requestor, clock } = await start({
      payment: { decideAtOnce: false },
      terms: { debitNoteAcceptTimeoutMs: 3_600_000 },
    });
    await pair.create('act');
    await clock.advance(10_000);
    await pair.quiesce();
    const [interim] = await requestor.payment.debitNotes();
    await requestor.payment.bills.accept(interim!.note.debitNoteId);
    await pair.use('act', 1, 3);
    await pair.end('act');
    await pair.terminate();
    await pair.quiesce();
    const last = (await requestor.payment.debitNotes()).find(({ note }) => note.final);
    await requestor.payment.bills.reject(last!.note.debitNoteId, { code: 'Disputed', message: 'no' });
    await pair.quiesce();
    await clock.advance(60_000);
    expect(await provider.payment.invoices()).toMatchObject([
      { invoice: { amount: interim!.note.totalAmountDue } },
    ]);
  });

  it('holds the invoice back while the requestor is away: it may still reject the last note', async () => {
    const { provider, clock } = await start({ terms: { debitNoteAcceptTimeoutMs: 3_600_000 } });
    await pair.create('act');
    await pair.end('act');
    await pair.terminate();
    await clock.settle();
    await clock.advance(60_000);
    expect(await provider.payment.invoices()).toEqual([]);
    await pair.quiesce();
    expect((await provider.payment.invoices())[0]?.state).toBe('Settled');
  });

  it('does not accept by hand what fails the checks', async () => {
    const { requestor } = await start({ payment: { decideAtOnce: false }, budget: null });
    await pair.create('act');
    await pair.end('act');
    await pair.quiesce();
    const [record] = await requestor.payment.debitNotes();
    await expect(requestor.payment.bills.accept(record!.note.debitNoteId)).rejects.toMatchObject({
      code: 'ERR_PAYMENT_REFUSED',
      detail: { reason: 'NoAllocation' },
    });
    expect((await requestor.payment.debitNotes())[0]?.state).toBe('Received');
  });
});
