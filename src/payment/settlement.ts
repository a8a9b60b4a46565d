import { Type } from 'typebox';
import type { InvoiceRecord } from '../interface/payment.ts';
import type { StoredEvent, Transaction } from '../interface/store.ts';
import { Amount, Id, Reason } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { moveInvoice, moveNote } from './bills.ts';
import { enter } from './books.ts';
import { debitNotesBucket, invoicesBucket } from './buckets.ts';
import { may } from './machine.ts';

/** Events by which a driver says what became of a payment; anything else in them is for people. */
export const SETTLEMENT_EVENTS = ['payment.settled', 'payment.failed'] as const;

const checkSettlement = checker(
  Type.Object({ paymentId: Id, invoiceId: Id, amount: Amount, reason: Type.Optional(Reason) }),
  'payment event',
);

interface Now {
  readonly clock: { now(): number };
}

/** Follows a driver's event: the invoice that it paid, and the debit notes that the invoice covers, are settled. */
export async function followSettlement(tx: Transaction, components: Now, event: StoredEvent): Promise<void> {
  const { paymentId, invoiceId, amount, reason } = checkSettlement(event.data);
  const record = await tx.get(invoicesBucket, invoiceId);
  if (record === undefined) return;
  if (event.type === 'payment.failed') {
    if (may(record.state, 'fail')) moveInvoice(tx, components, record, 'fail', { reason });
    return;
  }
  if (amount === record.invoice.amount) await settleInvoice(tx, components, record, paymentId);
}

/** Settles an invoice once; `paymentId` is absent when there was nothing to pay. */
export async function settleInvoice(
  tx: Transaction,
  components: Now,
  record: InvoiceRecord,
  paymentId?: string,
): Promise<InvoiceRecord> {
  if (!may(record.state, 'settle')) return record;
  const { invoice, role } = record;
  await enter(
    tx,
    {
      role,
      platform: invoice.platform,
      counterparty: role === 'provider' ? invoice.recipient : invoice.issuer,
    },
    { settled: BigInt(invoice.amount) },
  );
  const covered = new Set(invoice.activities.map((line) => line.activityId));
  const notes = await tx.list(debitNotesBucket, {
    where: { index: 'agreement', equals: invoice.agreementId },
  });
  for (const { id, value } of notes) {
    if (!covered.has(value.note.activityId) || !may(value.state, 'settle')) continue;
    const note = await tx.get(debitNotesBucket, id);
    if (note !== undefined && may(note.state, 'settle')) moveNote(tx, components, note, 'settle');
  }
  return moveInvoice(tx, components, record, 'settle', paymentId === undefined ? {} : { paymentId });
}
