import type { Sender } from '../../interface/network.ts';
import type { BillDecision, Invoice, InvoiceRecord } from '../../interface/payment.ts';
import type { Reader, Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import { readAgreementBilling, writeAgreementBilling } from '../billing.ts';
import { moveInvoice, openInvoice } from '../bills.ts';
import { activityBillingBucket, debitNotesBucket, invoicesBucket } from '../buckets.ts';
import { PaymentError } from '../errors.ts';
import {
  counterparty,
  requireAgreement,
  requireNamed,
  requireParty,
  type PaymentContext,
} from '../context.ts';
import { settleInvoice } from '../settlement.ts';
import { DONE, post, type Reply } from '../wire.ts';
import { decidesAtOnce } from './by-hand.ts';
import { signDecision } from './decision.ts';

/** Takes an invoice in: verified and known to be the sender's business before anything is stored. */
export async function receiveInvoice(
  tx: Transaction,
  context: PaymentContext,
  invoice: Invoice,
  sender: Sender,
): Promise<Reply> {
  const record = await requireAgreement(context, tx, invoice.agreementId);
  requireParty(record, 'requestor', sender);
  requireNamed('issuer', invoice.issuer, record.agreement.provider);
  requireNamed('recipient', invoice.recipient, record.agreement.requestor);
  context.verifier.verify('Invoice', invoice, invoice.signature, record.agreement.provider);
  const known = await tx.get(invoicesBucket, invoice.invoiceId);
  if (known !== undefined) return repeated(context, known, invoice);
  const billing = await readAgreementBilling(tx, invoice.agreementId, 'requestor');
  if (billing.invoiceId !== undefined)
    throw new PaymentError(
      'ERR_PAYMENT_INVOICE_EXISTS',
      `Agreement ${invoice.agreementId} was invoiced by ${billing.invoiceId} already`,
      { agreementId: invoice.agreementId, invoiceId: billing.invoiceId },
    );
  writeAgreementBilling(tx, { ...billing, invoiceId: invoice.invoiceId });
  const opened = openInvoice(tx, context, 'requestor', invoice);
  if (await decidesAtOnce(tx, context, invoice.agreementId)) await decideInvoice(tx, context, opened);
  return DONE;
}

function repeated(context: PaymentContext, known: InvoiceRecord, invoice: Invoice): Reply {
  if (context.verifier.digest('Invoice', known.invoice) !== context.verifier.digest('Invoice', invoice))
    throw new PaymentError('ERR_PAYMENT_BILL_FORK', `${invoice.invoiceId} names another invoice already`, {
      invoiceId: invoice.invoiceId,
    });
  return known.decision === undefined ? DONE : { outcome: 'Done', decision: known.decision };
}

/** Checks an invoice; accepts it and orders its payment in the same transaction, or rejects it with the reason. */
export async function decideInvoice(
  tx: Transaction,
  context: PaymentContext,
  record: InvoiceRecord,
): Promise<InvoiceRecord> {
  const { invoice } = record;
  const reason = await judgeInvoice(tx, context, invoice);
  if (reason !== undefined) return rejectInvoice(tx, context, record, reason);
  const decision = await signDecision(context, 'InvoiceDecision', billOf(invoice), undefined);
  const accepted = await answer(tx, context, record, decision);
  if (invoice.amount === '0') return settleInvoice(tx, context, accepted);
  const paymentId = await context.drivers.get(invoice.platform).pay(tx, invoice);
  const paid: InvoiceRecord = { ...accepted, paymentId };
  tx.put(invoicesBucket, invoice.invoiceId, paid);
  return paid;
}

/** Rejects an invoice, and tells its provider why. */
export async function rejectInvoice(
  tx: Transaction,
  context: PaymentContext,
  record: InvoiceRecord,
  reason: Reason,
): Promise<InvoiceRecord> {
  return answer(
    tx,
    context,
    record,
    await signDecision(context, 'InvoiceDecision', billOf(record.invoice), reason),
  );
}

async function answer(
  tx: Transaction,
  context: PaymentContext,
  record: InvoiceRecord,
  decision: BillDecision,
): Promise<InvoiceRecord> {
  const { peerId } = counterparty(await requireAgreement(context, tx, record.invoice.agreementId));
  const command = decision.decision === 'Accepted' ? 'accept' : 'reject';
  const moved = moveInvoice(tx, context, record, command, { decision, reason: decision.reason });
  post(tx, context, { peerId, kind: 'invoice-decision', body: decision });
  return moved;
}

/** Why the invoice is not what was accepted, note by note, before; or undefined. */
async function judgeInvoice(
  reader: Reader,
  context: Pick<PaymentContext, 'agreements' | 'drivers'>,
  invoice: Invoice,
): Promise<Reason | undefined> {
  const { agreement } = await requireAgreement(context, reader, invoice.agreementId);
  const { platform } = agreement.terms.pricing;
  if (invoice.platform !== platform || context.drivers.find(platform) === undefined)
    return reason(
      'WrongPlatform',
      `The agreement is paid on ${platform}, the invoice on ${invoice.platform}`,
      {
        expected: platform,
        billed: invoice.platform,
      },
    );
  const seen = new Set<string>();
  let sum = 0n;
  for (const line of invoice.activities) {
    const wrong = seen.has(line.activityId)
      ? reason('DuplicateActivity', `Activity ${line.activityId} is invoiced twice`, {
          activityId: line.activityId,
        })
      : await judgeLine(reader, invoice, line);
    if (wrong !== undefined) return wrong;
    seen.add(line.activityId);
    sum += BigInt(line.amount);
  }
  if (sum === BigInt(invoice.amount)) return undefined;
  return reason('WrongAmount', `The activities sum up to ${sum}, the invoice to ${invoice.amount}`, {
    expected: `${sum}`,
    billed: invoice.amount,
  });
}

/** A line has to be the newest note that was accepted of its activity. */
async function judgeLine(
  reader: Reader,
  invoice: Invoice,
  line: Invoice['activities'][number],
): Promise<Reason | undefined> {
  const record = await reader.get(debitNotesBucket, line.debitNoteId);
  const billing = await reader.get(activityBillingBucket, line.activityId);
  const { debitNoteId, activityId } = line;
  if (record?.note.agreementId !== invoice.agreementId || record.note.activityId !== activityId)
    return reason('NoteUnknown', `${debitNoteId} is no debit note of activity ${activityId}`, {
      debitNoteId,
    });
  if (record.decision?.decision !== 'Accepted' || billing?.acceptedNoteId !== debitNoteId)
    return reason(
      'NoteNotAccepted',
      `Debit note ${debitNoteId} is not the one that was accepted last of activity ${activityId}`,
      { debitNoteId, accepted: billing?.acceptedNoteId ?? 'none' },
    );
  if (record.note.totalAmountDue !== line.amount)
    return reason('WrongAmount', `Debit note ${debitNoteId} is about ${record.note.totalAmountDue}`, {
      expected: record.note.totalAmountDue,
      billed: line.amount,
    });
  return undefined;
}

function billOf(invoice: Invoice): { billId: string; amount: string } {
  return { billId: invoice.invoiceId, amount: invoice.amount };
}

function reason(code: string, message: string, detail: Record<string, string>): Reason {
  return { code, message: message.slice(0, 2048), detail };
}
