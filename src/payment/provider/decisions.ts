import type { Sender } from '../../interface/network.ts';
import type { BillDecision, BillState, DebitNoteRecord, InvoiceRecord } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import { accept, readActivityBilling, writeActivityBilling } from '../billing.ts';
import { moveInvoice, moveNote } from '../bills.ts';
import { enter } from '../books.ts';
import { debitNotesBucket, invoicesBucket } from '../buckets.ts';
import { PaymentError } from '../errors.ts';
import { requireNamed, type PaymentContext } from '../context.ts';
import { settleInvoice } from '../settlement.ts';
import { declareDefault } from './deadlines.ts';

/** Takes the requestor's decision on a debit note into the books. A rejection ends the agreement. */
export async function takeNoteDecision(
  tx: Transaction,
  context: PaymentContext,
  decision: BillDecision,
  sender: Sender,
): Promise<void> {
  const record = await tx.get(debitNotesBucket, decision.billId);
  if (record?.role !== 'provider') throw unknownBill(decision);
  const { note } = record;
  context.verifier.verify('DebitNoteDecision', decision, decision.signature, note.recipient);
  requireNamed('sender', sender.address, note.recipient);
  if (!isNews(record, decision, note.totalAmountDue)) return;
  if (decision.decision === 'Accepted') {
    await bookAcceptance(tx, record);
    if (record.state !== 'Settled') moveNote(tx, context, record, 'accept', { decision });
    return;
  }
  moveNote(tx, context, record, 'reject', { decision, reason: decision.reason });
  await declareDefault(tx, note.agreementId, {
    code: 'PaymentDefault',
    message:
      `Debit note ${note.debitNoteId} was rejected: ${decision.reason?.message ?? 'without a reason'}`.slice(
        0,
        2048,
      ),
    detail: { debitNoteId: note.debitNoteId, code: decision.reason?.code ?? 'none' },
  });
}

async function bookAcceptance(tx: Transaction, { note }: DebitNoteRecord): Promise<void> {
  const { billing, added } = accept(await readActivityBilling(tx, { ...note, role: 'provider' }), note);
  writeActivityBilling(tx, billing);
  await enter(
    tx,
    { role: 'provider', platform: note.platform, counterparty: note.recipient },
    { accepted: added },
  );
}

/** Takes the requestor's decision on an invoice into the books. */
export async function takeInvoiceDecision(
  tx: Transaction,
  context: PaymentContext,
  decision: BillDecision,
  sender: Sender,
): Promise<void> {
  const record = await tx.get(invoicesBucket, decision.billId);
  if (record?.role !== 'provider') throw unknownBill(decision);
  const { invoice } = record;
  context.verifier.verify('InvoiceDecision', decision, decision.signature, invoice.recipient);
  requireNamed('sender', sender.address, invoice.recipient);
  if (!isNews(record, decision, invoice.amount) || record.state === 'Settled') return;
  const command = decision.decision === 'Accepted' ? 'accept' : 'reject';
  const moved = moveInvoice(tx, context, record, command, { decision, reason: decision.reason });
  if (command === 'accept' && invoice.amount === '0') await settleInvoice(tx, context, moved);
}

/** False for a repeat. Throws for a decision that contradicts the bill or an earlier decision. */
function isNews(record: DebitNoteRecord | InvoiceRecord, decision: BillDecision, amount: string): boolean {
  if (decision.amount !== amount)
    throw new PaymentError(
      'ERR_PAYMENT_AMOUNT',
      `The decision on ${decision.billId} is about ${decision.amount}, the bill about ${amount}`,
      { billId: decision.billId, expected: amount, got: decision.amount },
    );
  const decided = record.decision?.decision;
  if (decided === decision.decision) return false;
  const settledAgainst: BillState[] = ['Settled', 'Cancelled'];
  if (decided !== undefined || (decision.decision === 'Rejected' && settledAgainst.includes(record.state)))
    throw new PaymentError(
      'ERR_PAYMENT_DECISION_FORK',
      `${decision.billId} is ${record.state}; it cannot be ${decision.decision} too`,
      { billId: decision.billId, state: record.state },
    );
  return record.state !== 'Cancelled';
}

function unknownBill(decision: BillDecision): PaymentError {
  return new PaymentError('ERR_PAYMENT_BILL_NOT_FOUND', `No bill ${decision.billId} was issued here`, {
    billId: decision.billId,
  });
}
