import type { BillDecision, DebitNote, DebitNoteRecord } from '../../interface/payment.ts';
import type { Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import { spend } from '../allocations.ts';
import { accept, readActivityBilling, writeActivityBilling } from '../billing.ts';
import { moveNote } from '../bills.ts';
import { enter, netDebt, type BookKey } from '../books.ts';
import type { ActivityBilling } from '../buckets.ts';
import { PaymentError } from '../errors.ts';
import { counterparty, requireAgreement, type PaymentContext } from '../context.ts';
import { extendChain, type SampleChain } from '../samples.ts';
import { post } from '../wire.ts';
import { signDecision } from './decision.ts';
import { judgeNote } from './note-checks.ts';

/** Recomputes a note; accepts it and takes it out of the allocation, or rejects it with the reason. Answers the provider. */
export async function decideNote(
  tx: Transaction,
  context: PaymentContext,
  record: DebitNoteRecord,
): Promise<DebitNoteRecord> {
  const { note } = record;
  const { billing, reason } = await check(tx, context, note);
  if (reason !== undefined) return rejectNote(tx, context, record, reason);
  const { billing: accepted, added } = accept({ ...billing, usage: note.usage }, note);
  const unpayable = (await overCredit(tx, context, note, added)) ?? (await spend(tx, note, added));
  if (unpayable !== undefined) return rejectNote(tx, context, record, unpayable);
  writeActivityBilling(tx, accepted);
  await enter(tx, bookOf(note), { accepted: added });
  return answer(
    tx,
    context,
    record,
    await signDecision(context, 'DebitNoteDecision', noteBill(note), undefined),
  );
}

/** Rejects a debit note, and tells its provider why. */
export async function rejectNote(
  tx: Transaction,
  context: PaymentContext,
  record: DebitNoteRecord,
  reason: Reason,
): Promise<DebitNoteRecord> {
  return answer(
    tx,
    context,
    record,
    await signDecision(context, 'DebitNoteDecision', noteBill(record.note), reason),
  );
}

async function answer(
  tx: Transaction,
  context: PaymentContext,
  record: DebitNoteRecord,
  decision: BillDecision,
): Promise<DebitNoteRecord> {
  const { peerId } = counterparty(await requireAgreement(context, tx, record.note.agreementId));
  const command = decision.decision === 'Accepted' ? 'accept' : 'reject';
  const moved = moveNote(tx, context, record, command, { decision, reason: decision.reason });
  post(tx, context, { peerId, kind: 'debit-note-decision', body: decision });
  return moved;
}

async function check(
  tx: Transaction,
  context: PaymentContext,
  note: DebitNote,
): Promise<{ billing: ActivityBilling; reason: Reason | undefined }> {
  const { agreement, state } = await requireAgreement(context, tx, note.agreementId);
  const activity = await context.usage.activity(tx, note.activityId);
  const before = await readActivityBilling(tx, { ...note, role: 'requestor' });
  if (activity === undefined)
    throw new PaymentError('ERR_PAYMENT_ACTIVITY_NOT_FOUND', `Activity ${note.activityId} is not known here`);
  const { last } = note.samples;
  const chain = await ownChain(tx, context, note, before.samples);
  const [cited] = last === 0 ? [] : await context.usage.samples(tx, note.activityId, last, last);
  const reason = judgeNote({
    note,
    agreement,
    agreementState: state,
    billing: before,
    cited,
    chain: chain.last === last ? chain : undefined,
    elapsedMs: context.clock.now() - activity.createdAt,
    startedAt: activity.history.find(({ state }) => state === 'Ready')?.at,
    toleranceMs: context.settings.usageToleranceMs,
  });
  return { billing: { ...before, samples: chain }, reason };
}

/** Our own chain up to the cited sample; it stops short when samples are missing here. */
async function ownChain(
  tx: Transaction,
  context: PaymentContext,
  note: DebitNote,
  before: SampleChain,
): Promise<SampleChain> {
  const { chain } = await extendChain(
    { usage: context.usage, reader: tx },
    note.activityId,
    before,
    note.samples.last,
  );
  return chain;
}

/** What we owe stays under the limit that this node set itself. */
async function overCredit(
  tx: Transaction,
  context: PaymentContext,
  note: DebitNote,
  added: bigint,
): Promise<Reason | undefined> {
  const driver = context.drivers.find(note.platform);
  if (driver === undefined)
    return { code: 'WrongPlatform', message: `This node cannot pay on ${note.platform}` };
  const limit = driver.credit?.maxOwed;
  if (limit === undefined) return undefined;
  const debt = (await netDebt(tx, bookOf(note))) + added;
  if (debt <= limit) return undefined;
  return {
    code: 'CreditLimitExceeded',
    message: `We would owe ${debt}, more than the ${limit} that this node allows itself`,
    detail: { debt: `${debt}`, limit: `${limit}` },
  };
}

function bookOf(note: DebitNote): BookKey {
  return { role: 'requestor', platform: note.platform, counterparty: note.issuer };
}

function noteBill(note: DebitNote): { billId: string; amount: string } {
  return { billId: note.debitNoteId, amount: note.totalAmountDue };
}
