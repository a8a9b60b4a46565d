import type { AgreementRecord, StoredEvent } from '../../../../interface/index.ts';
import type { ClientEvent } from './records.ts';

type Body = ClientEvent['body'];

const AGREEMENT_EVENTS: Readonly<Record<string, string>> = {
  'agreement.approved': 'AgreementApprovedEvent',
  'agreement.rejected': 'AgreementRejectedEvent',
  'agreement.cancelled': 'AgreementCancelledEvent',
  'agreement.terminated': 'AgreementTerminatedEvent',
};

/** A requestor decides by itself: it hears only of what comes to it. A provider hears what became of its bills. */
const BILL_EVENTS: Readonly<Record<'requestor' | 'provider', Readonly<Record<string, string>>>> = {
  requestor: { received: 'Received', cancelled: 'Cancelled' },
  provider: {
    accepted: 'Accepted',
    rejected: 'Rejected',
    settled: 'Settled',
    failed: 'Failed',
    cancelled: 'Cancelled',
  },
};

/** Of an activity, its provider hears when it begins and when it has ended; what lies between is this node's to do. */
const ACTIVITY_EVENTS: Readonly<Record<string, string>> = {
  'activity.created': 'CreateActivity',
  'activity.ended': 'DestroyActivity',
};

const BILL_STATES = ['received', 'cancelled', 'accepted', 'rejected', 'settled', 'failed'];
/** Types of the store's events that become events of clients. */
export const SOURCE_EVENTS: readonly string[] = [
  ...Object.keys(AGREEMENT_EVENTS),
  ...Object.keys(ACTIVITY_EVENTS),
  ...BILL_STATES.flatMap((state) => [`debit-note.${state}`, `invoice.${state}`]),
];

/** An event as clients read it, without its date; undefined for one that is none of their business. */
export function clientEvent(
  { type, subject, data }: StoredEvent,
  agreement: AgreementRecord | undefined,
): { kind: ClientEvent['kind']; body: Body } | undefined {
  const eventType = AGREEMENT_EVENTS[type];
  if (eventType !== undefined)
    return { kind: 'agreement', body: agreementBody(eventType, subject, agreement) };
  const role = roleOf(data);
  const step = ACTIVITY_EVENTS[type];
  if (step !== undefined) {
    const agreementId = agreement?.agreement.agreementId;
    if (role !== 'provider' || agreementId === undefined) return undefined;
    return { kind: 'activity', body: { eventType: step, activityId: subject, agreementId } };
  }
  const [area, state = ''] = type.split('.');
  const word = role === undefined ? undefined : BILL_EVENTS[role][state];
  if (word === undefined) return undefined;
  return area === 'invoice'
    ? { kind: 'invoice', body: { eventType: `Invoice${word}Event`, invoiceId: subject } }
    : { kind: 'debitNote', body: { eventType: `DebitNote${word}Event`, debitNoteId: subject } };
}

function agreementBody(eventType: string, agreementId: string, record: AgreementRecord | undefined): Body {
  const body = { eventType, agreementId };
  if (eventType === 'AgreementApprovedEvent') return body;
  const termination = record?.termination;
  const { message = '', code = '' } = termination?.reason ?? record?.reason ?? {};
  const reason = { message, code };
  if (eventType !== 'AgreementTerminatedEvent') return { ...body, reason };
  const terminator = termination?.by === 'requestor' ? 'Requestor' : 'Provider';
  return { ...body, reason, terminator, signature: termination?.signature ?? '' };
}

function roleOf(data: StoredEvent['data']): 'requestor' | 'provider' | undefined {
  const role = typeof data === 'object' && data !== null && 'role' in data ? data.role : undefined;
  return role === 'requestor' || role === 'provider' ? role : undefined;
}
