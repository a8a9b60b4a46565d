import { Type } from 'typebox';
import type { ReplyHandler } from '../../interface/outbox.ts';
import type { OutboxMessage, Transaction } from '../../interface/store.ts';
import { Id } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import { moveInvoice, moveNote } from '../bills.ts';
import { debitNotesBucket, invoicesBucket } from '../buckets.ts';
import type { PaymentContext } from '../context.ts';
import { may } from '../machine.ts';
import { checkReply, post, type BillCancel } from '../wire.ts';
import { takeInvoiceDecision, takeNoteDecision } from './decisions.ts';

/** Of our own messages only the id is needed again. */
const checkNoteBody = checker(Type.Object({ debitNoteId: Id }), 'debit note sent');
const checkInvoiceBody = checker(Type.Object({ invoiceId: Id }), 'invoice sent');
const checkCancelBody = checker(Type.Object({ billId: Id }), 'cancellation sent');

/** No more notes are sent again at once than this; the next answer asks for the rest. */
const MAX_RESEND = 64;

/** What the requestor's node answered to a bill: that it has it, what it decided before, or that notes are missing. */
export function providerReplies(context: PaymentContext): Readonly<Record<string, ReplyHandler>> {
  return {
    'debit-note': async (tx, message, answer) => {
      if ('error' in answer) return refused(context, message, answer.error);
      const reply = checkReply(answer.ok);
      const { debitNoteId } = checkNoteBody(message.body);
      if (reply.outcome === 'Resend') return resendNotes(tx, context, message, debitNoteId, reply.from);
      const record = await tx.get(debitNotesBucket, debitNoteId);
      if (record === undefined) return;
      const sender = { peerId: message.peerId, address: record.note.recipient };
      if (reply.decision !== undefined) return takeNoteDecision(tx, context, reply.decision, sender);
      if (may(record.state, 'receive')) moveNote(tx, context, record, 'receive');
    },
    invoice: async (tx, message, answer) => {
      if ('error' in answer) return refused(context, message, answer.error);
      const reply = checkReply(answer.ok);
      if (reply.outcome !== 'Done') return;
      const record = await tx.get(invoicesBucket, checkInvoiceBody(message.body).invoiceId);
      if (record === undefined) return;
      const sender = { peerId: message.peerId, address: record.invoice.recipient };
      if (reply.decision !== undefined) return takeInvoiceDecision(tx, context, reply.decision, sender);
      if (may(record.state, 'receive')) moveInvoice(tx, context, record, 'receive');
    },
    cancel: async (tx, message, answer) => {
      if ('error' in answer) return refused(context, message, answer.error);
      checkReply(answer.ok);
      return cancelled(tx, context, checkCancelBody(message.body));
    },
  };
}

/** The requestor has let go of the bill: only now it is cancelled here, so that both sides always agree. */
async function cancelled(
  tx: Transaction,
  context: PaymentContext,
  { billId }: Pick<BillCancel, 'billId'>,
): Promise<void> {
  const note = await tx.get(debitNotesBucket, billId);
  if (note !== undefined && may(note.state, 'cancel')) moveNote(tx, context, note, 'cancel');
  const invoice = await tx.get(invoicesBucket, billId);
  if (invoice !== undefined && may(invoice.state, 'cancel')) moveInvoice(tx, context, invoice, 'cancel');
}

async function resendNotes(
  tx: Transaction,
  context: PaymentContext,
  message: OutboxMessage,
  debitNoteId: string,
  from: number,
): Promise<void> {
  const refusedNote = await tx.get(debitNotesBucket, debitNoteId);
  if (refusedNote === undefined || from > refusedNote.note.sequence) return;
  const notes = await tx.list(debitNotesBucket, {
    where: { index: 'activity', equals: refusedNote.note.activityId },
  });
  const missing = notes
    .map(({ value }) => value.note)
    .filter((note) => note.sequence >= from && note.sequence < refusedNote.note.sequence)
    .sort((a, b) => a.sequence - b.sequence)
    .slice(0, MAX_RESEND);
  if (missing.length === 0) return;
  // This one goes last again: its answer tells whether more are missing.
  for (const note of [...missing, refusedNote.note])
    post(tx, context, { peerId: message.peerId, kind: 'debit-note', body: note });
}

/** A refused bill counts as not accepted; the deadlines do the rest. */
async function refused(
  context: PaymentContext,
  message: OutboxMessage,
  error: { code: string; message: string },
): Promise<void> {
  const { peerId, kind, body } = message;
  context.logger.warn({ peerId, kind, body, code: error.code, refusal: error.message }, 'a bill was refused');
}
