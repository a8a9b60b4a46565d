import type { DebitNote, DebitNoteRecord, InvoiceRecord } from '../interface/payment.ts';
import type { Transaction } from '../interface/store.ts';
import type { Reason } from '../interface/values.ts';
import { payFrom } from './allocations.ts';
import { readAgreementBilling } from './billing.ts';
import { debitNotesBucket, invoicesBucket } from './buckets.ts';
import { PaymentError } from './errors.ts';
import { counterparty, requireAgreement, type PaymentContext } from './context.ts';
import { may, transition, type BillCommand } from './machine.ts';
import { leaveToHand } from './requestor/by-hand.ts';
import { decideNote, rejectNote } from './requestor/decide-note.ts';
import { decideInvoice, rejectInvoice } from './requestor/invoices.ts';
import { post, type BillCancel } from './wire.ts';

type BillRecord = DebitNoteRecord | InvoiceRecord;

/** How a bill is accepted. */
export interface AcceptOptions {
  /** Pay out of this allocation, whichever the agreement was assigned to. */
  readonly allocationId?: string;
  /** With an invoice, the last notes that it sums up are accepted too, where they were not decided yet. */
  readonly withNotes?: boolean;
}

/** What a person does with a bill. Throws PaymentError ERR_PAYMENT_BILL_NOT_FOUND, and ERR_PAYMENT_STATE when it is decided. */
export interface BillActions {
  /** Requestor: checks the bill and accepts it; an invoice is paid. Throws ERR_PAYMENT_REFUSED when a check fails. */
  accept(billId: string, options?: AcceptOptions): Promise<BillRecord>;
  /** Requestor: rejects it with a signed reason. Throws ERR_PAYMENT_INVOICED for a note of an invoice that is open here. */
  reject(billId: string, reason: Reason): Promise<BillRecord>;
  /** Provider: takes it back. It is Cancelled once the requestor's node has let go of it undecided. */
  cancel(billId: string, reason: Reason): Promise<void>;
  /** Requestor: leaves all bills of this agreement that come from now on to `accept` and `reject`. */
  byHand(agreementId: string): Promise<void>;
}

/** What can be done with bills by hand. */
export function billActions(context: PaymentContext): BillActions {
  return {
    accept: (billId, { allocationId, withNotes } = {}) =>
      context.store.transact(async (tx) => {
        const record = await openBill(tx, billId, 'requestor', 'accept');
        const { agreementId } = 'note' in record ? record.note : record.invoice;
        if (allocationId !== undefined) await payFrom(tx, agreementId, allocationId);
        if (withNotes === true && 'invoice' in record) await acceptNotesOf(tx, context, record);
        return accepted(
          'note' in record ? await decideNote(tx, context, record) : await decideInvoice(tx, context, record),
        );
      }),
    reject: (billId, reason) =>
      context.store.transact(async (tx) => {
        const record = await openBill(tx, billId, 'requestor', 'reject');
        if ('note' in record) await requireUninvoiced(tx, record.note);
        return 'note' in record
          ? rejectNote(tx, context, record, reason)
          : rejectInvoice(tx, context, record, reason);
      }),
    cancel: (billId, reason) =>
      context.store.transact(async (tx) => {
        const record = await openBill(tx, billId, 'provider', 'cancel');
        const { agreementId } = 'note' in record ? record.note : record.invoice;
        const { peerId } = counterparty(await requireAgreement(context, tx, agreementId));
        const body: BillCancel = { billId, reason };
        post(tx, context, { peerId, kind: 'cancel', body });
      }),
    byHand: (agreementId) => context.store.transact((tx) => leaveToHand(tx, agreementId)),
  };
}

async function acceptNotesOf(
  tx: Transaction,
  context: PaymentContext,
  { invoice }: InvoiceRecord,
): Promise<void> {
  for (const { debitNoteId } of invoice.activities) {
    const note = await tx.get(debitNotesBucket, debitNoteId);
    if (note?.state === 'Received') accepted(await decideNote(tx, context, note));
  }
}

/** An invoice of a rejected note could never be accepted: once it is here, it is what is decided on. */
async function requireUninvoiced(tx: Transaction, { debitNoteId, agreementId }: DebitNote): Promise<void> {
  const { invoiceId } = await readAgreementBilling(tx, agreementId, 'requestor');
  const record = invoiceId === undefined ? undefined : await tx.get(invoicesBucket, invoiceId);
  if (record === undefined || !may(record.state, 'accept')) return;
  if (record.invoice.activities.every((line) => line.debitNoteId !== debitNoteId)) return;
  throw new PaymentError('ERR_PAYMENT_INVOICED', `${debitNoteId} is summed up by invoice ${invoiceId}`, {
    debitNoteId,
    invoiceId,
  });
}

/** Throws when the bill was rejected, which undoes that: a bill that a person cannot accept stays undecided. */
function accepted<T extends BillRecord>(decided: T): T {
  if (decided.state !== 'Rejected') return decided;
  const billId = 'note' in decided ? decided.note.debitNoteId : decided.invoice.invoiceId;
  const reason = decided.decision?.reason;
  throw new PaymentError('ERR_PAYMENT_REFUSED', `${billId} cannot be accepted: ${reason?.message ?? ''}`, {
    billId,
    reason: reason?.code,
  });
}

async function openBill(
  tx: Transaction,
  billId: string,
  role: 'requestor' | 'provider',
  command: BillCommand,
): Promise<BillRecord> {
  const record = (await tx.get(debitNotesBucket, billId)) ?? (await tx.get(invoicesBucket, billId));
  if (record?.role !== role)
    throw new PaymentError('ERR_PAYMENT_BILL_NOT_FOUND', `There is no bill ${billId} to ${command} here`, {
      billId,
    });
  transition(record.state, command);
  return record;
}
