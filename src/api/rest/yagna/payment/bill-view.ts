import type { BillState, DebitNoteRecord, InvoiceRecord } from '../../../../interface/index.ts';
import { tokensOf } from '../money.ts';
import type { Platforms } from '../platforms.ts';
import type { AgreementNote } from '../market/records.ts';
import { iso } from '../time.ts';

/** Counters in whole units, as floats: what clients show. The exact figures stay in the note itself. */
const NANO = 1e9;

interface Names {
  readonly platforms: Platforms;
  /** What is noted of the bill's agreement; absent when no client made it. */
  readonly note: AgreementNote | undefined;
}

/** A debit note as Yagna has it; `counters` are the agreement's, in its order. */
export function debitNoteView(record: DebitNoteRecord, counters: readonly string[], names: Names): object {
  const { note, state } = record;
  return {
    debitNoteId: note.debitNoteId,
    ...parties(note, names),
    timestamp: iso(note.createdAt),
    agreementId: note.agreementId,
    activityId: note.activityId,
    totalAmountDue: tokensOf(note.totalAmountDue, names.platforms.decimalsOf(note.platform)),
    usageCounterVector: counters.map((counter) => Number(note.usage[counter] ?? '0') / NANO),
    status: statusOf(state),
  };
}

/** An invoice as Yagna has it. */
export function invoiceView(record: InvoiceRecord, names: Names): object {
  const { invoice, state } = record;
  return {
    invoiceId: invoice.invoiceId,
    ...parties(invoice, names),
    timestamp: iso(invoice.createdAt),
    agreementId: invoice.agreementId,
    activityIds: invoice.activities.map(({ activityId }) => activityId),
    amount: tokensOf(invoice.amount, names.platforms.decimalsOf(invoice.platform)),
    paymentDueDate: iso(invoice.paymentDueAt),
    status: statusOf(state),
  };
}

/** Who pays whom by which platform. */
export function parties(
  bill: { readonly issuer: string; readonly recipient: string; readonly platform: string },
  { platforms, note }: Names,
): object {
  const issuer = bill.issuer.toLowerCase();
  const recipient = bill.recipient.toLowerCase();
  return {
    issuerId: issuer,
    recipientId: recipient,
    payeeAddr: issuer,
    payerAddr: recipient,
    paymentPlatform: note?.platform ?? platforms.namesOf(bill.platform)[0],
  };
}

function statusOf(state: BillState): string {
  return state.toUpperCase();
}
