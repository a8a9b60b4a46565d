import type { DebitNote, Invoice } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import { readActivityBilling, readAgreementBilling, writeAgreementBilling } from '../billing.ts';
import { moveInvoice, moveNote } from '../bills.ts';
import { debitNotesBucket, invoicesBucket } from '../buckets.ts';
import { requireAgreement, type PaymentContext } from '../context.ts';
import { toJson } from '../wire.ts';
import type { Timers } from '../timers.ts';

/** The books say that an agreement has to end for want of payment. */
export const PAYMENT_DEFAULTED = 'payment.defaulted';

/** No requestor is asked to answer faster than this. */
const MIN_TIMEOUT_MS = 1_000;

type NoteName = Pick<DebitNote, 'activityId' | 'sequence'>;

/** What a requestor must have done by which time. */
export interface Deadlines {
  /** The note has to be accepted by the time that the agreement says. */
  watchNote(note: DebitNote, acceptTimeoutMs: number): void;
  watchInvoice(invoice: Invoice): void;
  /** It is decided: its watch would else be kept until the agreed time, which may be far. */
  forgetNote(note: NoteName): void;
  forgetInvoice(agreementId: string): void;
  /** Watches all that was open when the node stopped. */
  start(): Promise<void>;
}

/** By what stays the same when the transaction that issues a bill runs anew: then the bill has another id. */
const noteTimer = ({ activityId, sequence }: NoteName): string => `accept ${activityId} ${sequence}`;
const invoiceTimer = (agreementId: string): string => `due ${agreementId}`;

/** What happens when the other side lets the agreed time pass, for whatever cause. */
export function deadlines(context: PaymentContext, timers: Timers): Deadlines {
  const noteOverdue = (debitNoteId: string): Promise<void> =>
    context.store.transact((tx) => failNote(tx, context, debitNoteId));
  const invoiceOverdue = (invoiceId: string): Promise<void> =>
    context.store.transact(async (tx) => {
      const record = await tx.get(invoicesBucket, invoiceId);
      if (record === undefined || !['Issued', 'Received', 'Accepted'].includes(record.state)) return;
      const reason = overdue(`Invoice ${invoiceId} was not paid by its due date`);
      moveInvoice(tx, context, record, 'fail', { reason });
    });
  const watchNote: Deadlines['watchNote'] = (note, acceptTimeoutMs) =>
    timers.arm(noteTimer(note), note.createdAt + Math.max(MIN_TIMEOUT_MS, acceptTimeoutMs), () =>
      noteOverdue(note.debitNoteId),
    );
  const watchInvoice: Deadlines['watchInvoice'] = ({ agreementId, invoiceId, paymentDueAt }) =>
    timers.arm(invoiceTimer(agreementId), paymentDueAt, () => invoiceOverdue(invoiceId));
  return {
    watchNote,
    watchInvoice,
    forgetNote: (note) => timers.disarm(noteTimer(note)),
    forgetInvoice: (agreementId) => timers.disarm(invoiceTimer(agreementId)),
    async start() {
      for (const { value } of await context.store.list(debitNotesBucket, {
        where: { index: 'undecided', equals: 'provider' },
      })) {
        const { agreement } = await requireAgreement(context, context.store, value.note.agreementId);
        watchNote(value.note, agreement.terms.debitNoteAcceptTimeoutMs);
      }
      for (const { value } of await context.store.list(invoicesBucket, {
        where: { index: 'unpaid', equals: 'provider' },
      }))
        watchInvoice(value.invoice);
    },
  };
}

/** Marks a note overdue, unless a later one was accepted: notes are cumulative. */
async function failNote(tx: Transaction, context: PaymentContext, debitNoteId: string): Promise<void> {
  const record = await tx.get(debitNotesBucket, debitNoteId);
  if (record === undefined || (record.state !== 'Issued' && record.state !== 'Received')) return;
  const { note } = record;
  const billing = await readActivityBilling(tx, { ...note, role: 'provider' });
  if (billing.acceptedSequence > note.sequence) return;
  const reason = overdue(`Debit note ${debitNoteId} was not accepted in the agreed time`);
  moveNote(tx, context, record, 'fail', { reason });
  await declareDefault(tx, note.agreementId, reason);
}

/** Notes that the agreement has to end for want of payment; the first cause stands. */
export async function declareDefault(tx: Transaction, agreementId: string, reason: Reason): Promise<void> {
  const billing = await readAgreementBilling(tx, agreementId, 'provider');
  if (billing.default !== undefined) return;
  writeAgreementBilling(tx, { ...billing, default: reason, enforce: true });
  tx.emit({ type: PAYMENT_DEFAULTED, subject: agreementId, data: { agreementId, reason: toJson(reason) } });
}

function overdue(message: string): Reason {
  return { code: 'PaymentDefault', message };
}
