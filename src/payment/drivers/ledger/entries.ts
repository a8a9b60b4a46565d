import type { Invoice, LedgerPayment, PaymentRecord } from '../../../interface/payment.ts';
import type { Reader, Transaction } from '../../../interface/store.ts';
import { ledgerPairId, ledgerPairsBucket, paymentsBucket } from '../../buckets.ts';

type Direction = PaymentRecord['direction'];

function keyOf(direction: Direction, counterparty: string, sequence: number): string {
  return `${ledgerPairId(direction, counterparty)}.${String(sequence).padStart(12, '0')}`;
}

function counterpartyOf(direction: Direction, payment: LedgerPayment): string {
  return direction === 'sent' ? payment.payee : payment.payer;
}

/** The last payment of a sequence: its number, and the sum of all so far in the smallest unit. At first both are 0. */
export async function readPair(
  reader: Reader,
  direction: Direction,
  counterparty: string,
): Promise<{ sequence: number; cumulative: string }> {
  const pair = await reader.get(ledgerPairsBucket, ledgerPairId(direction, counterparty));
  return pair ?? { sequence: 0, cumulative: '0' };
}

/** One payment, by its number in the sequence. */
export function readEntry(
  reader: Reader,
  direction: Direction,
  counterparty: string,
  sequence: number,
): Promise<PaymentRecord | undefined> {
  return reader.get(paymentsBucket, keyOf(direction, counterparty, sequence));
}

/** Books a new payment and moves the pair on. The pair must have been read in this transaction. */
export function addEntry(tx: Transaction, record: PaymentRecord): void {
  const { direction, payment } = record;
  const counterparty = counterpartyOf(direction, payment);
  const { sequence, cumulative } = payment;
  tx.put(ledgerPairsBucket, ledgerPairId(direction, counterparty), { sequence, cumulative });
  writeEntry(tx, record);
}

/** Keeps a payment, or what became of it. */
export function writeEntry(tx: Transaction, record: PaymentRecord): void {
  const { direction, payment } = record;
  tx.put(paymentsBucket, keyOf(direction, counterpartyOf(direction, payment), payment.sequence), record);
}

/** Our payment of this invoice, if it was ordered before. */
export async function paymentOf(tx: Reader, invoice: Invoice): Promise<PaymentRecord | undefined> {
  const found = await tx.list(paymentsBucket, { where: { index: 'invoice', equals: invoice.invoiceId } });
  return found.find(({ value }) => value.direction === 'sent' && value.payment.payee === invoice.issuer)
    ?.value;
}

/** Payments sent to `payee` from `sequence` on, oldest first. */
export async function sentFrom(
  tx: Reader,
  payee: string,
  sequence: number,
  limit: number,
): Promise<LedgerPayment[]> {
  const found = await tx.list(paymentsBucket, {
    where: { index: 'pair', equals: ledgerPairId('sent', payee) },
    ...(sequence > 1 ? { after: keyOf('sent', payee, sequence - 1) } : {}),
    limit,
  });
  return found.map(({ value }) => value.payment);
}
