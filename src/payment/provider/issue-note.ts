import type { ActivityRecord } from '../../interface/activity.ts';
import type { AgreementRecord } from '../../interface/market.ts';
import type { DebitNote } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import { toAmount } from '../amount.ts';
import { readActivityBilling, writeActivityBilling } from '../billing.ts';
import { openNote } from '../bills.ts';
import { enter } from '../books.ts';
import type { ActivityBilling } from '../buckets.ts';
import { counterparty, type PaymentContext } from '../context.ts';
import { cost } from '../pricing.ts';
import { extendChain } from '../samples.ts';
import { post } from '../wire.ts';

/** A provider that agreed on less is still not made to bill more often than this. */
const MIN_INTERVAL_MS = 1_000;

/** How often an activity of this agreement is billed. */
export function intervalMs(record: AgreementRecord): number {
  return Math.max(MIN_INTERVAL_MS, record.agreement.terms.debitNoteIntervalMs);
}

/**
 * Bills an activity for all that it used so far: signs the next note, stores it and sends it. After the final note
 * there is none.
 */
export async function issueNote(
  tx: Transaction,
  context: PaymentContext,
  activity: ActivityRecord,
  record: AgreementRecord,
  final: boolean,
): Promise<DebitNote | undefined> {
  const before = await readActivityBilling(tx, activity);
  if (before.final) return undefined;
  const { chain, sample } = await extendChain(
    { usage: context.usage, reader: tx },
    activity.activityId,
    before.samples,
  );
  const usage = sample?.counters ?? before.usage;
  const note = await signNote(context, record, { ...before, samples: chain, usage }, final);
  await enter(
    tx,
    { role: 'provider', platform: note.platform, counterparty: note.recipient },
    { billed: BigInt(note.totalAmountDue) - BigInt(before.billed) },
  );
  const next: ActivityBilling = {
    ...before,
    sequence: note.sequence,
    noteId: note.debitNoteId,
    final,
    samples: chain,
    usage,
    billed: note.totalAmountDue,
    nextNoteAt: context.clock.now() + intervalMs(record),
  };
  if (final) delete next.nextNoteAt;
  writeActivityBilling(tx, next);
  openNote(tx, context, 'provider', note);
  post(tx, context, { peerId: counterparty(record).peerId, kind: 'debit-note', body: note });
  return note;
}

async function signNote(
  context: PaymentContext,
  record: AgreementRecord,
  billing: ActivityBilling,
  final: boolean,
): Promise<DebitNote> {
  const { agreement } = record;
  const note = {
    debitNoteId: context.newId(),
    agreementId: agreement.agreementId,
    activityId: billing.activityId,
    sequence: billing.sequence + 1,
    final,
    platform: agreement.terms.pricing.platform,
    issuer: context.signer.address,
    recipient: agreement.requestor,
    usage: billing.usage,
    samples: billing.samples,
    totalAmountDue: toAmount(cost(agreement.terms.pricing, billing.usage)),
    createdAt: context.clock.now(),
  };
  return { ...note, signature: await context.signer.sign('DebitNote', note) };
}
