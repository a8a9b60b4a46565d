import type { Invoice, LedgerPayment } from '../../../interface/payment.ts';
import type { Transaction } from '../../../interface/store.ts';
import { toAmount } from '../../amount.ts';
import { counterparty, requireAgreement } from '../../context.ts';
import { post } from '../../wire.ts';
import { addEntry, paymentOf, readPair } from './entries.ts';
import type { LedgerContext } from './context.ts';

/** Signs the next payment to the issuer of the invoice and sends it; a repeat finds the first one. Returns its id. */
export async function pay(tx: Transaction, context: LedgerContext, invoice: Invoice): Promise<string> {
  const known = await paymentOf(tx, invoice);
  if (known !== undefined) return known.payment.paymentId;
  const record = await requireAgreement(context, tx, invoice.agreementId);
  const payment = await signPayment(tx, context, invoice);
  addEntry(tx, { direction: 'sent', state: 'Sent', payment, stateChangedAt: payment.createdAt });
  post(tx, context, { peerId: counterparty(record).peerId, kind: 'payment', body: payment });
  const { paymentId, invoiceId, agreementId, amount } = payment;
  tx.emit({ type: 'payment.sent', subject: paymentId, data: { paymentId, invoiceId, agreementId, amount } });
  return paymentId;
}

async function signPayment(
  tx: Transaction,
  context: LedgerContext,
  invoice: Invoice,
): Promise<LedgerPayment> {
  const pair = await readPair(tx, 'sent', invoice.issuer);
  const payment = {
    paymentId: context.newId(),
    platform: context.platform,
    payer: context.signer.address,
    payee: invoice.issuer,
    invoiceId: invoice.invoiceId,
    agreementId: invoice.agreementId,
    amount: invoice.amount,
    sequence: pair.sequence + 1,
    cumulative: toAmount(BigInt(pair.cumulative) + BigInt(invoice.amount)),
    createdAt: context.clock.now(),
  };
  return { ...payment, signature: await context.signer.sign('LedgerPayment', payment) };
}
