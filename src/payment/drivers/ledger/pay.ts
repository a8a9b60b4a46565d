import type { Invoice, LedgerPayment } from '../../../interface/payment.ts';
import type { Transaction } from '../../../interface/store.ts';
import { toAmount } from '../../amount.ts';
import { counterparty, requireAgreement } from '../../kit.ts';
import { post } from '../../wire.ts';
import { addEntry, paymentOf, readPair } from './entries.ts';
import type { LedgerKit } from './kit.ts';

/** Signs the next payment to the issuer of the invoice and sends it; a repeat finds the first one. Returns its id. */
export async function pay(tx: Transaction, kit: LedgerKit, invoice: Invoice): Promise<string> {
  const known = await paymentOf(tx, invoice);
  if (known !== undefined) return known.payment.paymentId;
  const record = await requireAgreement(kit, tx, invoice.agreementId);
  const payment = await signPayment(tx, kit, invoice);
  addEntry(tx, { direction: 'sent', state: 'Sent', payment, stateChangedAt: payment.createdAt });
  post(tx, kit, { peerId: counterparty(record).peerId, kind: 'payment', body: payment });
  const { paymentId, invoiceId, agreementId, amount } = payment;
  tx.emit({ type: 'payment.sent', subject: paymentId, data: { paymentId, invoiceId, agreementId, amount } });
  return paymentId;
}

async function signPayment(tx: Transaction, kit: LedgerKit, invoice: Invoice): Promise<LedgerPayment> {
  const pair = await readPair(tx, 'sent', invoice.issuer);
  const payment = {
    paymentId: kit.newId(),
    platform: kit.platform,
    payer: kit.signer.address,
    payee: invoice.issuer,
    invoiceId: invoice.invoiceId,
    agreementId: invoice.agreementId,
    amount: invoice.amount,
    sequence: pair.sequence + 1,
    cumulative: toAmount(BigInt(pair.cumulative) + BigInt(invoice.amount)),
    createdAt: kit.clock.now(),
  };
  return { ...payment, signature: await kit.signer.sign('LedgerPayment', payment) };
}
