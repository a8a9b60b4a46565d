import type { RequestHandler, Sender } from '../../interface/network.ts';
import { DebitNote, Invoice } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import { checker } from '../../util/check.ts';
import { moveInvoice, moveNote } from '../bills.ts';
import { debitNotesBucket, invoicesBucket } from '../buckets.ts';
import { PaymentError } from '../errors.ts';
import { requireNamed, type PaymentContext } from '../context.ts';
import { BillCancel, DONE, handler, type Reply } from '../wire.ts';
import { receiveInvoice } from './invoices.ts';
import { receiveNote } from './receive-note.ts';

const checkNote = checker(DebitNote, 'debit note');
const checkInvoice = checker(Invoice, 'invoice');
const checkCancel = checker(BillCancel, 'cancellation of a bill');

/** What a requestor answers to its providers. It needs no timers: it only ever reacts. */
export function requestorRequests(context: PaymentContext): Readonly<Record<string, RequestHandler<never>>> {
  return {
    'debit-note': handler(checkNote, (note, sender) =>
      context.store.transact((tx) => receiveNote(tx, context, note, sender)),
    ),
    invoice: handler(checkInvoice, (invoice, sender) =>
      context.store.transact((tx) => receiveInvoice(tx, context, invoice, sender)),
    ),
    cancel: handler(checkCancel, (cancel, sender) =>
      context.store.transact((tx) => letGo(tx, context, cancel, sender)),
    ),
  };
}

/** Lets go of a bill that its issuer takes back; a bill that is decided stays. */
async function letGo(
  tx: Transaction,
  context: PaymentContext,
  cancel: BillCancel,
  sender: Sender,
): Promise<Reply> {
  const { billId, reason } = cancel;
  const note = await tx.get(debitNotesBucket, billId);
  const invoice = await tx.get(invoicesBucket, billId);
  const record = note ?? invoice;
  if (record?.role !== 'requestor')
    throw new PaymentError('ERR_PAYMENT_BILL_NOT_FOUND', `There is no bill ${billId} here`, { billId });
  requireNamed('sender', sender.address, note?.note.issuer ?? invoice?.invoice.issuer ?? '');
  if (record.state === 'Cancelled') return DONE;
  if (note !== undefined) moveNote(tx, context, note, 'cancel', { reason });
  else if (invoice !== undefined) moveInvoice(tx, context, invoice, 'cancel', { reason });
  return DONE;
}
