import type { DebitNoteRecord, InvoiceRecord, PaymentRecord } from '../interface/payment.ts';
import type { ListOptions, Reader } from '../interface/store.ts';
import {
  activityBillingBucket,
  booksBucket,
  debitNotesBucket,
  invoicesBucket,
  paymentsBucket,
  type Book,
} from './buckets.ts';

/** Where an agreement stands in money, in smallest units as decimal strings. */
export interface BillingSummary {
  readonly agreementId: string;
  /** The newest note of each activity, summed up. */
  readonly billed: string;
  /** The newest accepted note of each activity, summed up. */
  readonly accepted: string;
  readonly settled: string;
  readonly invoiceId?: string;
  readonly invoiceState?: InvoiceRecord['state'];
  readonly debitNotes: number;
}

/** What there is of bills and payments, to be read. */
export interface PaymentQueries {
  debitNote(debitNoteId: string): Promise<DebitNoteRecord | undefined>;
  /** Newest first with `reverse`; `where` takes the indexes `agreement`, `activity` and `state`. */
  debitNotes(options?: ListOptions): Promise<DebitNoteRecord[]>;
  invoice(invoiceId: string): Promise<InvoiceRecord | undefined>;
  /** `where` takes the indexes `agreement` and `state`. */
  invoices(options?: ListOptions): Promise<InvoiceRecord[]>;
  payment(paymentId: string): Promise<PaymentRecord | undefined>;
  /** `where` takes the indexes `agreement`, `invoice` and `state`. The cursor is the id of the list's entry. */
  payments(options?: ListOptions): Promise<{ id: string; value: PaymentRecord }[]>;
  /** Sums for each counterparty, platform and role. */
  balances(): Promise<Book[]>;
  billing(agreementId: string): Promise<BillingSummary>;
  /** When its invoice was settled, ms since the epoch; undefined while there is none, or it is open or disputed. */
  settledAt(agreementId: string): Promise<number | undefined>;
}

/** The queries, on a store. */
export function paymentQueries(store: Reader): PaymentQueries {
  return {
    debitNote: (id) => store.get(debitNotesBucket, id),
    debitNotes: async (options) => (await store.list(debitNotesBucket, options)).map(({ value }) => value),
    invoice: (id) => store.get(invoicesBucket, id),
    invoices: async (options) => (await store.list(invoicesBucket, options)).map(({ value }) => value),
    payment: async (paymentId) =>
      (await store.list(paymentsBucket, { where: { index: 'payment', equals: paymentId }, limit: 1 }))[0]
        ?.value,
    payments: (options) => store.list(paymentsBucket, options),
    balances: async () => (await store.list(booksBucket)).map(({ value }) => value),
    billing: (agreementId) => billing(store, agreementId),
    settledAt: (agreementId) => settledAt(store, agreementId),
  };
}

async function settledAt(store: Reader, agreementId: string): Promise<number | undefined> {
  const invoices = await store.list(invoicesBucket, { where: { index: 'agreement', equals: agreementId } });
  const [first, ...others] = invoices.map(({ value }) => value);
  if (first?.state !== 'Settled' || others.some(({ state }) => state !== 'Settled')) return undefined;
  return first.history.find(({ state }) => state === 'Settled')?.at;
}

async function billing(store: Reader, agreementId: string): Promise<BillingSummary> {
  const where = { index: 'agreement', equals: agreementId };
  const activities = await store.list(activityBillingBucket, { where });
  const [invoice] = await store.list(invoicesBucket, { where, limit: 1 });
  const sum = (amounts: readonly string[]): string =>
    amounts.reduce((total, amount) => total + BigInt(amount), 0n).toString();
  return {
    agreementId,
    billed: sum(activities.map(({ value }) => value.billed)),
    accepted: sum(activities.map(({ value }) => value.accepted)),
    settled: invoice?.value.state === 'Settled' ? invoice.value.invoice.amount : '0',
    debitNotes: activities.reduce((count, { value }) => count + value.sequence, 0),
    ...(invoice === undefined
      ? {}
      : { invoiceId: invoice.value.invoice.invoiceId, invoiceState: invoice.value.state }),
  };
}
