import { Type } from 'typebox';
import type { Agreements } from '../../interface/market.ts';
import type { RequestHandler } from '../../interface/network.ts';
import type { ReplyHandler } from '../../interface/outbox.ts';
import { BillDecision } from '../../interface/payment.ts';
import type { StoredEvent, Transaction } from '../../interface/store.ts';
import { Id } from '../../interface/values.ts';
import { checker, CheckError } from '../../util/check.ts';
import { PaymentError } from '../errors.ts';
import { requireAgreement, type Kit } from '../kit.ts';
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

interface Rooms {
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
  kit: Kit,
  timers: Timers,
  components: { agreements: Pick<Agreements, 'terminate'> },
): ProviderSide {
  const watch = deadlines(kit, timers);
  const rooms: Rooms = {
    deadlines: watch,
    intervals: intervals(kit, timers, { deadlines: watch }),
    enforcer: enforcer(kit, timers, components),
    closings: closings(kit, timers, { deadlines: watch }),
  };
  let stopConsumer: (() => Promise<void>) | undefined;
  return {
    requests: {
      'debit-note-decision': handler(checkDecision, async (decision, sender) => {
        await kit.store.transact((tx) => takeNoteDecision(tx, kit, decision, sender));
        return DONE;
      }),
      'invoice-decision': handler(checkDecision, async (decision, sender) => {
        await kit.store.transact((tx) => takeInvoiceDecision(tx, kit, decision, sender));
        return DONE;
      }),
    },
    replies: providerReplies(kit),
    async start() {
      await rooms.deadlines.start();
      await rooms.intervals.start();
      await rooms.enforcer.start();
      await rooms.closings.start();
      stopConsumer = kit.store.events.consume('payment.provider', EVENTS, (event, tx) =>
        followEvent(tx, kit, rooms, event),
      );
    },
    async stop() {
      await stopConsumer?.();
      stopConsumer = undefined;
    },
  };
}

/** One agreement that cannot be billed (a price that is none) must not hold up the bills of all others. */
async function followEvent(tx: Transaction, kit: Kit, rooms: Rooms, event: StoredEvent): Promise<void> {
  try {
    await dispatch(tx, kit, rooms, event);
  } catch (error) {
    if (!(error instanceof PaymentError) && !(error instanceof CheckError)) throw error;
    kit.logger.error(
      { err: error, event: event.type, subject: event.subject },
      'an event could not be billed',
    );
  }
}

async function dispatch(tx: Transaction, kit: Kit, rooms: Rooms, event: StoredEvent): Promise<void> {
  switch (event.type) {
    case 'activity.created':
      return rooms.intervals.begin(tx, event.subject);
    case 'activity.ended':
      return closeActivity(tx, kit, rooms, event.subject);
    case 'agreement.terminated':
      return rooms.closings.close(tx, event.subject);
    case PAYMENT_DEFAULTED:
      rooms.enforcer.kick(event.subject);
      return undefined;
    case 'invoice.settled':
    case 'invoice.rejected':
    case 'invoice.cancelled': {
      const { agreementId, role } = checkInvoiceEvent(event.data);
      if (role !== 'provider') return undefined;
      if (event.type === 'invoice.settled') return rooms.closings.settled(tx, agreementId);
      rooms.deadlines.forgetInvoice(agreementId);
      return undefined;
    }
    default: {
      const note = checkNoteEvent(event.data);
      if (note.role !== 'provider') return undefined;
      if (event.type !== 'debit-note.received') rooms.deadlines.forgetNote(note);
      return note.final ? rooms.closings.close(tx, note.agreementId) : undefined;
    }
  }
}

async function closeActivity(tx: Transaction, kit: Kit, rooms: Rooms, activityId: string): Promise<void> {
  const activity = await kit.usage.activity(tx, activityId);
  if (activity?.role !== 'provider') return;
  rooms.intervals.end(activityId);
  const record = await requireAgreement(kit, tx, activity.agreementId);
  const note = await issueNote(tx, kit, activity, record, true);
  if (note !== undefined) rooms.deadlines.watchNote(note, record.agreement.terms.debitNoteAcceptTimeoutMs);
}
