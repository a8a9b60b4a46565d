import type { ActivityRecord } from '../../interface/activity.ts';
import type { AgreementRecord } from '../../interface/market.ts';
import type { DebitNote, DebitNoteRecord, Invoice } from '../../interface/payment.ts';
import type { Reader, Transaction } from '../../interface/store.ts';
import { toAmount } from '../amount.ts';
import { readAgreementBilling, writeAgreementBilling } from '../billing.ts';
import { openInvoice } from '../bills.ts';
import { activityBillingBucket, debitNotesBucket } from '../buckets.ts';
import { counterparty, type PaymentContext } from '../context.ts';
import { post } from '../wire.ts';

const MAX_LINES = 4096;

/**
 * A requestor's node that decides by itself says what it has decided when it takes a note in. One that does not leaves
 * that to a program or a person, who may as well decide on the invoice: it does not wait for them any longer than this.
 */
const PATIENCE_MS = 5_000;

/**
 * Invoices an agreement once it is over: terminated, each of its activities ended, and each final note decided, overdue
 * or left undecided. Called after each of these; whichever comes last finds all in place, and a repeat finds the invoice.
 */
export async function issueInvoice(
  tx: Transaction,
  context: PaymentContext,
  record: AgreementRecord,
  now: number,
): Promise<Invoice | undefined> {
  const { agreementId } = record.agreement;
  const billing = await readAgreementBilling(tx, agreementId, 'provider');
  if (record.state !== 'Terminated' || billing.invoiceId !== undefined) return undefined;
  const notes = await billableNotes(tx, now, await context.usage.activitiesOf(tx, agreementId));
  if (notes === undefined) return undefined;
  const invoice = await signInvoice(context, record, notes, now);
  writeAgreementBilling(tx, { ...billing, invoiceId: invoice.invoiceId });
  openInvoice(tx, context, 'provider', invoice);
  post(tx, context, { peerId: counterparty(record).peerId, kind: 'invoice', body: invoice });
  return invoice;
}

/** The note of each activity that the invoice claims; undefined while one is still to come. */
async function billableNotes(
  reader: Reader,
  now: number,
  activities: readonly ActivityRecord[],
): Promise<DebitNote[] | undefined> {
  const notes: DebitNote[] = [];
  for (const { activityId, state } of activities) {
    if (state !== 'Completed' && state !== 'Terminated') return undefined;
    const billing = await reader.get(activityBillingBucket, activityId);
    if (billing?.final !== true || billing.noteId === undefined) return undefined;
    const final = await reader.get(debitNotesBucket, billing.noteId);
    if (final === undefined || final.state === 'Issued' || now < patientUntil(final)) return undefined;
    // What the requestor has signed before it refused the last note, it still owes.
    const promised =
      final.state === 'Rejected' || final.state === 'Cancelled' ? billing.acceptedNoteId : undefined;
    const claimed = promised === undefined ? final : await reader.get(debitNotesBucket, promised);
    if (claimed !== undefined && claimed.state !== 'Cancelled') notes.push(claimed.note);
  }
  return notes;
}

/** Until when the invoice waits for the decision on a final note; 0 for one that is decided or overdue. */
export function patientUntil({ state, history }: Pick<DebitNoteRecord, 'state' | 'history'>): number {
  return state === 'Received' ? (history.at(-1)?.at ?? 0) + PATIENCE_MS : 0;
}

async function signInvoice(
  context: PaymentContext,
  record: AgreementRecord,
  notes: readonly DebitNote[],
  createdAt: number,
): Promise<Invoice> {
  const { agreement } = record;
  // An agreement with more activities than an invoice has lines is billed for the dearest of them.
  const lines = [...notes]
    .sort((a, b) => compare(BigInt(b.totalAmountDue), BigInt(a.totalAmountDue)))
    .slice(0, MAX_LINES)
    .map((note) => ({
      activityId: note.activityId,
      debitNoteId: note.debitNoteId,
      amount: note.totalAmountDue,
    }));
  const invoice = {
    invoiceId: context.newId(),
    agreementId: agreement.agreementId,
    platform: agreement.terms.pricing.platform,
    issuer: context.signer.address,
    recipient: agreement.requestor,
    activities: lines,
    amount: toAmount(lines.reduce((sum, line) => sum + BigInt(line.amount), 0n)),
    createdAt,
    paymentDueAt: createdAt + agreement.terms.paymentTimeoutMs,
  };
  return { ...invoice, signature: await context.signer.sign('Invoice', invoice) };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
