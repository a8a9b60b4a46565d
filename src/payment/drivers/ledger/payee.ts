import type { RequestHandler, Sender } from '../../../interface/network.ts';
import { LedgerPayment, type PaymentReceipt } from '../../../interface/payment.ts';
import type { Transaction } from '../../../interface/store.ts';
import { checker } from '../../../util/check.ts';
import { invoicesBucket } from '../../buckets.ts';
import { PaymentError } from '../../errors.ts';
import { requireNamed } from '../../context.ts';
import { DONE, handler, post, sameAddress, type Reply } from '../../wire.ts';
import { addEntry, readEntry, readPair } from './entries.ts';
import type { LedgerContext } from './context.ts';

const checkPayment = checker(LedgerPayment, 'ledger payment');

/** What a payer can ask of us. */
export function payeeRequests(context: LedgerContext): Readonly<Record<string, RequestHandler<never>>> {
  return {
    payment: handler(checkPayment, (payment, sender) =>
      context.store.transact((tx) => receivePayment(tx, context, payment, sender)),
    ),
  };
}

/** Books a payment that follows the last one of its payer, and signs a receipt for it. */
async function receivePayment(
  tx: Transaction,
  context: LedgerContext,
  payment: LedgerPayment,
  sender: Sender,
): Promise<Reply> {
  requireNamed('payer', payment.payer, sender.address);
  requireNamed('payee', payment.payee, context.signer.address);
  context.verifier.verify('LedgerPayment', payment, payment.signature, sender.address);
  if (payment.platform !== context.platform)
    throw new PaymentError('ERR_PAYMENT_PLATFORM', `${payment.platform} is not ${context.platform}`);
  const pair = await readPair(tx, 'received', payment.payer);
  if (payment.sequence <= pair.sequence) return repeated(tx, context, payment);
  if (payment.sequence > pair.sequence + 1) return { outcome: 'Resend', from: pair.sequence + 1 };
  const expected = BigInt(pair.cumulative) + BigInt(payment.amount);
  if (BigInt(payment.cumulative) !== expected)
    throw new PaymentError(
      'ERR_PAYMENT_LEDGER_SUM',
      `Payment ${payment.sequence} says ${payment.cumulative} in all; with it we have booked ${expected}`,
      { sequence: payment.sequence, expected: `${expected}`, got: payment.cumulative },
    );
  await book(tx, context, payment, sender);
  return DONE;
}

async function book(
  tx: Transaction,
  context: LedgerContext,
  payment: LedgerPayment,
  sender: Sender,
): Promise<void> {
  const receipt = await signReceipt(context, payment);
  addEntry(tx, { direction: 'received', state: 'Settled', payment, receipt, stateChangedAt: receipt.at });
  post(tx, context, { peerId: sender.peerId, kind: 'payment-receipt', body: receipt });
  const { paymentId, invoiceId, agreementId, amount } = payment;
  const data = { paymentId, invoiceId, agreementId, amount };
  tx.emit({ type: 'payment.received', subject: paymentId, data });
  if (await paysInvoice(tx, payment)) tx.emit({ type: 'payment.settled', subject: paymentId, data });
  // Money that fits no open invoice is still money: it is booked, so that the sums of both nodes stay equal.
  else context.logger.warn(data, 'a payment fits no open invoice');
}

async function paysInvoice(tx: Transaction, payment: LedgerPayment): Promise<boolean> {
  const record = await tx.get(invoicesBucket, payment.invoiceId);
  return (
    record?.role === 'provider' &&
    sameAddress(record.invoice.recipient, payment.payer) &&
    record.invoice.agreementId === payment.agreementId &&
    record.invoice.platform === payment.platform &&
    record.invoice.amount === payment.amount &&
    record.state !== 'Settled'
  );
}

async function signReceipt(context: LedgerContext, payment: LedgerPayment): Promise<PaymentReceipt> {
  const { paymentId, platform, payer, payee, sequence, cumulative } = payment;
  const receipt = { paymentId, platform, payer, payee, sequence, cumulative, at: context.clock.now() };
  return { ...receipt, signature: await context.signer.sign('PaymentReceipt', receipt) };
}

async function repeated(tx: Transaction, context: LedgerContext, payment: LedgerPayment): Promise<Reply> {
  const known = await readEntry(tx, 'received', payment.payer, payment.sequence);
  const digest = (document: LedgerPayment): string => context.verifier.digest('LedgerPayment', document);
  if (known === undefined || digest(known.payment) !== digest(payment))
    throw new PaymentError(
      'ERR_PAYMENT_LEDGER_FORK',
      `Another payment with number ${payment.sequence} was booked before`,
      { sequence: payment.sequence, booked: known?.payment.paymentId ?? 'unknown', got: payment.paymentId },
    );
  return known.receipt === undefined ? DONE : { outcome: 'Done', receipt: known.receipt };
}
