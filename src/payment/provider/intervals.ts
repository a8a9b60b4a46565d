import type { Transaction } from '../../interface/store.ts';
import { readActivityBilling, writeActivityBilling } from '../billing.ts';
import { netDebt } from '../books.ts';
import { activityBillingBucket } from '../buckets.ts';
import { requireAgreement, type PaymentContext } from '../context.ts';
import type { Timers } from '../timers.ts';
import { declareDefault, type Deadlines } from './deadlines.ts';
import { intervalMs, issueNote } from './issue-note.ts';

/** Debit notes at the agreed interval. */
export interface Intervals {
  /** Begins to bill an activity at the agreed interval. */
  begin(tx: Transaction, activityId: string): Promise<void>;
  /** The activity has ended: there is no next interval. */
  end(activityId: string): void;
  /** Goes on with all activities that lived when the node stopped. */
  start(): Promise<void>;
}

/** Debit notes while an activity lives. */
export function intervals(
  context: PaymentContext,
  timers: Timers,
  parts: { deadlines: Deadlines },
): Intervals {
  const arm = (activityId: string, at: number): void =>
    timers.arm(`note ${activityId}`, at, () => bill(activityId));
  const bill = async (activityId: string): Promise<void> => {
    const next = await context.store.transact((tx) => billInterval(tx, context, activityId));
    if (next === undefined) return;
    parts.deadlines.watchNote(next.note, next.acceptTimeoutMs);
    arm(activityId, next.at);
  };
  return {
    async begin(tx, activityId) {
      const activity = await context.usage.activity(tx, activityId);
      if (activity?.role !== 'provider') return;
      const record = await requireAgreement(context, tx, activity.agreementId);
      const billing = await readActivityBilling(tx, activity);
      if (billing.final || billing.nextNoteAt !== undefined) return;
      const nextNoteAt = context.clock.now() + intervalMs(record);
      writeActivityBilling(tx, { ...billing, nextNoteAt });
      arm(activityId, nextNoteAt);
    },
    end: (activityId) => timers.disarm(`note ${activityId}`),
    async start() {
      for (const { id, value } of await context.store.list(activityBillingBucket, {
        where: { index: 'running', equals: 'provider' },
      }))
        arm(id, value.nextNoteAt ?? 0);
    },
  };
}

async function billInterval(tx: Transaction, context: PaymentContext, activityId: string) {
  const activity = await context.usage.activity(tx, activityId);
  // The final note of an activity that has ended is made by the consumer of its event.
  if (activity === undefined || activity.state === 'Completed' || activity.state === 'Terminated')
    return undefined;
  const record = await requireAgreement(context, tx, activity.agreementId);
  const note = await issueNote(tx, context, activity, record, false);
  if (note === undefined) return undefined;
  await checkCredit(tx, context, note);
  return {
    note,
    acceptTimeoutMs: record.agreement.terms.debitNoteAcceptTimeoutMs,
    at: context.clock.now() + intervalMs(record),
  };
}

/** A requestor that owes more than this node lends is served no longer. */
async function checkCredit(
  tx: Transaction,
  context: PaymentContext,
  note: { agreementId: string; platform: string; recipient: string },
): Promise<void> {
  const limit = context.drivers.find(note.platform)?.credit?.maxDue;
  if (limit === undefined) return;
  const debt = await netDebt(tx, {
    role: 'provider',
    platform: note.platform,
    counterparty: note.recipient,
  });
  if (debt <= limit) return;
  await declareDefault(tx, note.agreementId, {
    code: 'PaymentDefault',
    message: `The requestor owes ${debt}, more than the credit of ${limit}`,
    detail: { debt: `${debt}`, limit: `${limit}` },
  });
}
