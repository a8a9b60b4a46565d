import { Type } from 'typebox';
import type { Agreements } from '../../interface/market.ts';
import type { RequestHandler } from '../../interface/network.ts';
import type { ReplyHandler } from '../../interface/outbox.ts';
import { BillDecision } from '../../interface/payment.ts';
import type { StoredEvent, Transaction } from '../../interface/store.ts';
import { Id } from '../../interface/values.ts';
import { checker, CheckError } from '../../util/check.ts';
import { PaymentError } from '../errors.ts';
import { requireAgreement, type PaymentContext } from '../context.ts';
import type { Timers } from '../timers.ts';
import { DONE, handler } from '../wire.ts';
import { deadlines, PAYMENT_DEFAULTED, type Deadlines } from './deadlines.ts';
import { takeInvoiceDecision, takeNoteDecision } from './decisions.ts';
import { closings, type Closings } from './closings.ts';
import { enforcer, type Enforcer } from './enforcer.ts';
import { intervals, type Intervals } from './intervals.ts';
import { issueNote } from './issue-note.ts';
import { providerReplies } from './replies.ts';

/** What the invoice waits for. */
const NOTE_MOVED = [
  'debit-note.received',
  'debit-note.accepted',
  'debit-note.rejected',
  'debit-note.cancelled',
  'debit-note.failed',
] as const;
const INVOICE_OVER = ['invoice.settled', 'invoice.rejected', 'invoice.cancelled'] as const;
const EVENTS = [
  'activity.created',
  'activity.ended',
  'agreement.terminated',
  PAYMENT_DEFAULTED,
  ...NOTE_MOVED,
  ...INVOICE_OVER,
] as const;

const checkNoteEvent = checker(
  Type.Object({
    agreementId: Id,
    activityId: Id,
    sequence: Type.Integer(),
    role: Type.String(),
    final: Type.Boolean(),
  }),
  'debit note event',
);
const checkInvoiceEvent = checker(Type.Object({ agreementId: Id, role: Type.String() }), 'invoice event');
const checkDecision = checker(BillDecision, 'decision on a bill');

interface Parts {
  readonly deadlines: Deadlines;
  readonly intervals: Intervals;
  readonly enforcer: Enforcer;
  readonly closings: Closings;
}

/** What a provider does about bills: it issues them and sees to it that they are paid. */
export interface ProviderSide {
  readonly requests: Readonly<Record<string, RequestHandler<never>>>;
  readonly replies: Readonly<Record<string, ReplyHandler>>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Bills what this node provides. All that it does follows from durable events, so a crash only delays it. */
export function providerSide(
  context: PaymentContext,
  timers: Timers,
  components: { agreements: Pick<Agreements, 'terminate'> },
): ProviderSide {
  const watch = deadlines(context, timers);
  const parts: Parts = {
    deadlines: watch,
    intervals: intervals(context, timers, { deadlines: watch }),
    enforcer: enforcer(context, timers, components),
    closings: closings(context, timers, { deadlines: watch }),
  };
  let stopConsumer: (() => Promise<void>) | undefined;
  return {
    requests: {
      'debit-note-decision': handler(checkDecision, async (decision, sender) => {
        await context.store.transact((tx) => takeNoteDecision(tx, context, decision, sender));
        return DONE;
      }),
      'invoice-decision': handler(checkDecision, async (decision, sender) => {
        await context.store.transact((tx) => takeInvoiceDecision(tx, context, decision, sender));
        return DONE;
      }),
    },
    replies: providerReplies(context),
    async start() {
      await parts.deadlines.start();
      await parts.intervals.start();
      await parts.enforcer.start();
      await parts.closings.start();
      stopConsumer = context.store.events.consume('payment.provider', EVENTS, (event, tx) =>
        followEvent(tx, context, parts, event),
      );
    },
    async stop() {
      await stopConsumer?.();
      stopConsumer = undefined;
    },
  };
}

/** One agreement that cannot be billed (a price that is none) must not hold up the bills of all others. */
async function followEvent(
  tx: Transaction,
  context: PaymentContext,
  parts: Parts,
  event: StoredEvent,
): Promise<void> {
  try {
    await dispatch(tx, context, parts, event);
  } catch (error) {
    if (!(error instanceof PaymentError) && !(error instanceof CheckError)) throw error;
    context.logger.error(
      { err: error, event: event.type, subject: event.subject },
      'an event could not be billed',
    );
  }
}

async function dispatch(
  tx: Transaction,
  context: PaymentContext,
  parts: Parts,
  event: StoredEvent,
): Promise<void> {
  switch (event.type) {
    case 'activity.created':
      return parts.intervals.begin(tx, event.subject);
    case 'activity.ended':
      return closeActivity(tx, context, parts, event.subject);
    case 'agreement.terminated':
      return parts.closings.close(tx, event.subject);
    case PAYMENT_DEFAULTED:
      parts.enforcer.kick(event.subject);
      return undefined;
    case 'invoice.settled':
    case 'invoice.rejected':
    case 'invoice.cancelled': {
      const { agreementId, role } = checkInvoiceEvent(event.data);
      if (role !== 'provider') return undefined;
      if (event.type === 'invoice.settled') return parts.closings.settled(tx, agreementId);
      parts.deadlines.forgetInvoice(agreementId);
      return undefined;
    }
    default: {
      const note = checkNoteEvent(event.data);
      if (note.role !== 'provider') return undefined;
      if (event.type !== 'debit-note.received') parts.deadlines.forgetNote(note);
      return note.final ? parts.closings.close(tx, note.agreementId) : undefined;
    }
  }
}

async function closeActivity(
  tx: Transaction,
  context: PaymentContext,
  parts: Parts,
  activityId: string,
): Promise<void> {
  const activity = await context.usage.activity(tx, activityId);
  if (activity?.role !== 'provider') return;
  parts.intervals.end(activityId);
  const record = await requireAgreement(context, tx, activity.agreementId);
  const note = await issueNote(tx, context, activity, record, true);
  if (note !== undefined) parts.deadlines.watchNote(note, record.agreement.terms.debitNoteAcceptTimeoutMs);
}
