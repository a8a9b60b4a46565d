import { ActivityRecord, AgreementRecord, DebitNoteRecord, InvoiceRecord } from './records.ts';
import type { ApiClient } from './client.ts';
import { PaymentView, VerificationView } from './views.ts';

/** All that this node knows of one agreement. */
export interface AgreementDetails {
  readonly agreement: AgreementRecord;
  readonly verification: VerificationView;
  readonly activities: readonly ActivityRecord[];
  readonly debitNotes: readonly DebitNoteRecord[];
  readonly invoices: readonly InvoiceRecord[];
  readonly payments: readonly PaymentView[];
  /** In smallest units. */
  readonly sums: { readonly billed: string; readonly accepted: string; readonly paid: string };
}

const MANY = 1000;

/** Asks the daemon for all of it; up to 1000 of each kind of record. */
export async function agreementDetails(client: ApiClient, id: string): Promise<AgreementDetails> {
  const path = `/v1/agreements/${encodeURIComponent(id)}`;
  const agreement = await client.get(path, AgreementRecord);
  const of = { agreement: id };
  const [verification, activities, debitNotes, invoices, payments] = await Promise.all([
    client.get(`${path}/verification`, VerificationView),
    client.list('/v1/activities', ActivityRecord, of, MANY),
    client.list('/v1/debit-notes', DebitNoteRecord, of, MANY),
    client.list('/v1/invoices', InvoiceRecord, of, MANY),
    client.list('/v1/payments', PaymentView, of, MANY),
  ]);
  const sums = {
    billed: sumOfNewest(debitNotes),
    accepted: sumOfNewest(debitNotes.filter(({ state }) => state === 'Accepted' || state === 'Settled')),
    paid: sum(payments.filter(({ state }) => state === 'Settled').map(({ payment }) => payment.amount)),
  };
  return { agreement, verification, activities, debitNotes, invoices, payments, sums };
}

/** Notes are cumulative, so the newest of each activity counts. */
function sumOfNewest(notes: AgreementDetails['debitNotes']): string {
  const newest = new Map<string, AgreementDetails['debitNotes'][number]>();
  for (const record of notes) {
    const { activityId, sequence } = record.note;
    if (sequence > (newest.get(activityId)?.note.sequence ?? 0)) newest.set(activityId, record);
  }
  return sum([...newest.values()].map(({ note }) => note.totalAmountDue));
}

function sum(amounts: readonly string[]): string {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n).toString();
}
