import type { RequestHandler, Sender } from '../../../interface/network.ts';
import type { ReplyHandler } from '../../../interface/outbox.ts';
import { LedgerPayment, PaymentReceipt } from '../../../interface/payment.ts';
import type { OutboxMessage, Transaction } from '../../../interface/store.ts';
import { checker } from '../../../util/check.ts';
import { PaymentError } from '../../errors.ts';
import { requireNamed } from '../../context.ts';
import { checkReply, DONE, handler, post } from '../../wire.ts';
import { readEntry, sentFrom, writeEntry } from './entries.ts';
import type { LedgerContext } from './context.ts';

const checkReceipt = checker(PaymentReceipt, 'payment receipt');
const checkSent = checker(LedgerPayment, 'payment sent');

/** No more payments are sent again at once than this; the next answer asks for the rest. */
const MAX_RESEND = 64;

/** What a payee can ask of us. */
export function payerRequests(context: LedgerContext): Readonly<Record<string, RequestHandler<never>>> {
  return {
    'payment-receipt': handler(checkReceipt, async (receipt, sender) => {
      await context.store.transact((tx) => takeReceipt(tx, context, receipt, sender));
      return DONE;
    }),
  };
}

/** What becomes of a payee's answers. */
export function payerReplies(context: LedgerContext): Readonly<Record<string, ReplyHandler>> {
  return {
    payment: async (tx, message, answer) => {
      const payment = checkSent(message.body);
      if ('error' in answer) return fail(tx, context, payment, answer.error);
      const reply = checkReply(answer.ok);
      if (reply.outcome === 'Resend') return resend(tx, context, message, payment, reply.from);
      if (reply.receipt === undefined) return;
      const sender = { peerId: message.peerId, address: payment.payee };
      return takeReceipt(tx, context, reply.receipt, sender);
    },
  };
}

/** The payee has booked our payment: it is settled. */
async function takeReceipt(
  tx: Transaction,
  context: LedgerContext,
  receipt: PaymentReceipt,
  sender: Sender,
): Promise<void> {
  requireNamed('payee', receipt.payee, sender.address);
  requireNamed('payer', receipt.payer, context.signer.address);
  context.verifier.verify('PaymentReceipt', receipt, receipt.signature, sender.address);
  const record = await readEntry(tx, 'sent', sender.address, receipt.sequence);
  if (record?.payment.paymentId !== receipt.paymentId || record.payment.platform !== receipt.platform)
    throw new PaymentError('ERR_PAYMENT_NOT_FOUND', `There is no payment ${receipt.paymentId} to you here`, {
      paymentId: receipt.paymentId,
    });
  const { payment } = record;
  if (receipt.cumulative !== payment.cumulative)
    throw new PaymentError(
      'ERR_PAYMENT_LEDGER_SUM',
      `The receipt says ${receipt.cumulative} in all, the payment ${payment.cumulative}`,
      { expected: payment.cumulative, got: receipt.cumulative },
    );
  if (record.state === 'Settled') return;
  writeEntry(tx, { ...record, state: 'Settled', receipt, stateChangedAt: context.clock.now() });
  tx.emit({ type: 'payment.settled', subject: payment.paymentId, data: eventData(payment) });
}

async function resend(
  tx: Transaction,
  context: LedgerContext,
  message: OutboxMessage,
  payment: LedgerPayment,
  from: number,
): Promise<void> {
  const missing = await sentFrom(tx, payment.payee, from, MAX_RESEND);
  const earlier = missing.filter(({ sequence }) => sequence < payment.sequence);
  if (earlier.length === 0) return;
  for (const body of [...earlier, payment])
    post(tx, context, { peerId: message.peerId, kind: 'payment', body });
}

/** The payee refuses it for good, or was not there for longer than a message waits. */
async function fail(
  tx: Transaction,
  context: LedgerContext,
  payment: LedgerPayment,
  refusal: { code: string; message: string },
): Promise<void> {
  const record = await readEntry(tx, 'sent', payment.payee, payment.sequence);
  if (record?.payment.paymentId !== payment.paymentId || record.state !== 'Sent') return;
  writeEntry(tx, { ...record, state: 'Failed', stateChangedAt: context.clock.now() });
  const reason = {
    code: 'PaymentRefused',
    message: refusal.message.slice(0, 2048),
    detail: { code: refusal.code },
  };
  tx.emit({ type: 'payment.failed', subject: payment.paymentId, data: { ...eventData(payment), reason } });
}

function eventData({ paymentId, invoiceId, agreementId, amount }: LedgerPayment) {
  return { paymentId, invoiceId, agreementId, amount };
}
