import { isErgonError } from '../interface/errors.ts';
import type { AgreementRecord } from '../interface/market.ts';
import type { BillDecision, DebitNoteRecord, InvoiceRecord } from '../interface/payment.ts';
import { debitNotesBucket } from './buckets.ts';
import type { PaymentContext } from './context.ts';
import { cost } from './pricing.ts';
import { extendChain, EMPTY_CHAIN } from './samples.ts';
import { sameAddress } from './wire.ts';

/** One thing that was checked again about a bill at rest. */
export interface Finding {
  readonly check: 'issuer-signature' | 'decision-signature' | 'parties' | 'amount' | 'samples' | 'lines';
  readonly ok: boolean;
  /** What is wrong; an error's code first where there is one. */
  readonly message?: string;
}

type VerifyContext = Pick<PaymentContext, 'store' | 'verifier' | 'agreements' | 'usage'>;

/** Verifies the signatures of a stored bill again and recomputes what it says. Reads only; throws for no finding. */
export async function verifyBill(
  context: VerifyContext,
  record: DebitNoteRecord | InvoiceRecord,
): Promise<Finding[]> {
  const { agreementId } = 'note' in record ? record.note : record.invoice;
  const agreement = await context.agreements.agreement(context.store, agreementId);
  if (agreement === undefined)
    return [bad('parties', `ERR_PAYMENT_AGREEMENT_NOT_FOUND: agreement ${agreementId} is not known here`)];
  return 'note' in record
    ? verifyNote(context, record, agreement)
    : verifyInvoice(context, record, agreement);
}

async function verifyNote(
  context: VerifyContext,
  { note, decision }: DebitNoteRecord,
  { agreement }: AgreementRecord,
): Promise<Finding[]> {
  const findings = [
    parties(note, agreement),
    attempt('issuer-signature', () =>
      context.verifier.verify('DebitNote', note, note.signature, agreement.provider),
    ),
    ...decisionFindings(context, 'DebitNoteDecision', decision, agreement.requestor, {
      billId: note.debitNoteId,
      amount: note.totalAmountDue,
    }),
    equal('amount', note.totalAmountDue, cost(agreement.terms.pricing, note.usage).toString()),
  ];
  const { chain } = await extendChain(
    { usage: context.usage, reader: context.store },
    note.activityId,
    EMPTY_CHAIN,
    note.samples.last,
  );
  if (chain.last === note.samples.last) findings.push(equal('samples', note.samples.hash, chain.hash));
  return findings;
}

async function verifyInvoice(
  context: VerifyContext,
  { invoice, decision }: InvoiceRecord,
  { agreement }: AgreementRecord,
): Promise<Finding[]> {
  const findings = [
    parties(invoice, agreement),
    attempt('issuer-signature', () =>
      context.verifier.verify('Invoice', invoice, invoice.signature, agreement.provider),
    ),
    ...decisionFindings(context, 'InvoiceDecision', decision, agreement.requestor, {
      billId: invoice.invoiceId,
      amount: invoice.amount,
    }),
    equal(
      'amount',
      invoice.amount,
      invoice.activities.reduce((sum, line) => sum + BigInt(line.amount), 0n).toString(),
    ),
  ];
  for (const line of invoice.activities) {
    const note = (await context.store.get(debitNotesBucket, line.debitNoteId))?.note;
    const billed = note?.activityId === line.activityId ? note.totalAmountDue : 'nothing';
    findings.push(equal('lines', line.amount, billed));
  }
  return findings;
}

function decisionFindings(
  context: VerifyContext,
  kind: 'DebitNoteDecision' | 'InvoiceDecision',
  decision: BillDecision | undefined,
  signer: string,
  bill: { billId: string; amount: string },
): Finding[] {
  if (decision === undefined) return [];
  if (decision.billId !== bill.billId || decision.amount !== bill.amount)
    return [bad('decision-signature', `the decision is about ${decision.billId} and ${decision.amount}`)];
  return [
    attempt('decision-signature', () => context.verifier.verify(kind, decision, decision.signature, signer)),
  ];
}

function parties(
  bill: { issuer: string; recipient: string },
  agreement: { provider: string; requestor: string },
): Finding {
  return sameAddress(bill.issuer, agreement.provider) && sameAddress(bill.recipient, agreement.requestor)
    ? { check: 'parties', ok: true }
    : bad('parties', `${bill.issuer} bills ${bill.recipient}, who are not the parties of the agreement`);
}

function attempt(check: Finding['check'], work: () => void): Finding {
  try {
    work();
    return { check, ok: true };
  } catch (error) {
    if (!isErgonError(error)) throw error;
    return bad(check, `${error.code}: ${error.message}`);
  }
}

function equal(check: Finding['check'], found: string, expected: string): Finding {
  return found === expected
    ? { check, ok: true }
    : bad(check, `it says ${found}, recomputed it is ${expected}`);
}

function bad(check: Finding['check'], message: string): Finding {
  return { check, ok: false, message };
}
