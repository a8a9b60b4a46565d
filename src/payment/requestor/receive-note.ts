import type { ActivityRecord } from '../../interface/activity.ts';
import type { AgreementRecord } from '../../interface/market.ts';
import type { Sender } from '../../interface/network.ts';
import type { DebitNote, DebitNoteRecord } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import { readActivityBilling, writeActivityBilling } from '../billing.ts';
import { openNote } from '../bills.ts';
import { enter } from '../books.ts';
import { debitNotesBucket } from '../buckets.ts';
import { PaymentError } from '../errors.ts';
import { requireAgreement, requireNamed, requireParty, type PaymentContext } from '../context.ts';
import { DONE, type Reply } from '../wire.ts';
import { decidesAtOnce } from './by-hand.ts';
import { decideNote } from './decide-note.ts';

/** Notes beyond what the interval allows for: a first one, the last one, and a slow clock. */
const SPARE_NOTES = 16;
const MIN_INTERVAL_MS = 1_000;

/** Takes a debit note in: verified and known to be the sender's business before anything is stored. */
export async function receiveNote(
  tx: Transaction,
  context: PaymentContext,
  note: DebitNote,
  sender: Sender,
): Promise<Reply> {
  const record = await requireAgreement(context, tx, note.agreementId);
  requireParty(record, 'requestor', sender);
  requireNamed('issuer', note.issuer, record.agreement.provider);
  requireNamed('recipient', note.recipient, record.agreement.requestor);
  context.verifier.verify('DebitNote', note, note.signature, record.agreement.provider);
  const known = await tx.get(debitNotesBucket, note.debitNoteId);
  if (known !== undefined) return repeated(context, known, note);
  const activity = await requireActivity(tx, context, note);
  const billing = await readActivityBilling(tx, activity);
  if (note.sequence > billing.sequence + 1) return { outcome: 'Resend', from: billing.sequence + 1 };
  if (note.sequence <= billing.sequence || billing.final) throw fork(note);
  requirePace(context, record, activity, note);
  const opened = openNote(tx, context, 'requestor', note);
  await bookNote(tx, context, note);
  if (!(await decidesAtOnce(tx, context, note.agreementId))) return DONE;
  // The decision goes out as a message too; in the answer it tells that nobody is asked for one.
  return answered(await decideNote(tx, context, opened));
}

function answered({ decision }: DebitNoteRecord): Reply {
  return decision === undefined ? DONE : { outcome: 'Done', decision };
}

async function bookNote(tx: Transaction, context: PaymentContext, note: DebitNote): Promise<void> {
  const activity = { ...note, role: 'requestor' as const };
  const billing = await readActivityBilling(tx, activity);
  writeActivityBilling(tx, {
    ...billing,
    sequence: note.sequence,
    noteId: note.debitNoteId,
    final: note.final,
    billed: note.totalAmountDue,
  });
  await enter(
    tx,
    { role: 'requestor', platform: note.platform, counterparty: note.issuer },
    { billed: BigInt(note.totalAmountDue) - BigInt(billing.billed) },
  );
  context.logger.debug({ debitNoteId: note.debitNoteId, amount: note.totalAmountDue }, 'debit note received');
}

function repeated(context: PaymentContext, known: DebitNoteRecord, note: DebitNote): Reply {
  if (context.verifier.digest('DebitNote', known.note) !== context.verifier.digest('DebitNote', note))
    throw fork(note);
  return answered(known);
}

async function requireActivity(
  tx: Transaction,
  context: PaymentContext,
  note: DebitNote,
): Promise<ActivityRecord> {
  const activity = await context.usage.activity(tx, note.activityId);
  if (activity?.agreementId !== note.agreementId || activity.role !== 'requestor')
    throw new PaymentError(
      'ERR_PAYMENT_ACTIVITY_NOT_FOUND',
      `Agreement ${note.agreementId} has no activity ${note.activityId} here`,
      { agreementId: note.agreementId, activityId: note.activityId },
    );
  return activity;
}

/** Keeps a provider from filling our books. */
function requirePace(
  context: PaymentContext,
  record: AgreementRecord,
  activity: ActivityRecord,
  note: DebitNote,
): void {
  const intervalMs = Math.max(MIN_INTERVAL_MS, record.agreement.terms.debitNoteIntervalMs);
  const elapsedMs = Math.max(0, context.clock.now() - activity.createdAt);
  const allowed = Math.floor(elapsedMs / intervalMs) + SPARE_NOTES;
  if (note.sequence > allowed)
    throw new PaymentError(
      'ERR_PAYMENT_TOO_MANY_NOTES',
      `Note ${note.sequence} after ${elapsedMs} ms: one in ${intervalMs} ms was agreed`,
      { sequence: note.sequence, allowed },
    );
}

function fork(note: DebitNote): PaymentError {
  return new PaymentError(
    'ERR_PAYMENT_BILL_FORK',
    `Activity ${note.activityId} has another note with number ${note.sequence} or a final one, or ${note.debitNoteId} names another note`,
    { debitNoteId: note.debitNoteId, activityId: note.activityId, sequence: note.sequence },
  );
}
