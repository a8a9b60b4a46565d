import { Type, type Static } from 'typebox';
import { Role } from '../interface/market.ts';
import {
  Allocation,
  DebitNoteRecord as DebitNoteRecordSchema,
  InvoiceRecord as InvoiceRecordSchema,
  PaymentRecord,
  type DebitNoteRecord,
  type InvoiceRecord,
} from '../interface/payment.ts';
import type { Bucket } from '../interface/store.ts';
import {
  Address,
  Amount,
  CounterName,
  Digest,
  Id,
  NanoUnits,
  PlatformName,
  Reason,
  Timestamp,
} from '../interface/values.ts';
import { checker } from '../util/check.ts';

const closed = { additionalProperties: false } as const;
/** A sum over many amounts. */
const Sum = Type.String({ pattern: '^(0|[1-9][0-9]{0,59})$' });

const checkNoteRecord = checker(DebitNoteRecordSchema, 'debit note record');
const checkInvoiceRecord = checker(InvoiceRecordSchema, 'invoice record');

/** Value of the index `undecided`: bills that wait for the recipient's decision. */
function undecided(record: { role: string; state: string }): string[] {
  return record.state === 'Issued' || record.state === 'Received' ? [record.role] : [];
}

/** Debit notes of both roles, by debitNoteId. */
export const debitNotesBucket: Bucket<DebitNoteRecord> = {
  name: 'debit-notes',
  check: (value) => checkNoteRecord(value),
  indexes: {
    agreement: (r) => [r.note.agreementId],
    activity: (r) => [r.note.activityId],
    state: (r) => [r.state],
    role: (r) => [r.role],
    undecided,
  },
};

/** Invoices of both roles, by invoiceId. */
export const invoicesBucket: Bucket<InvoiceRecord> = {
  name: 'invoices',
  check: (value) => checkInvoiceRecord(value),
  indexes: {
    agreement: (r) => [r.invoice.agreementId],
    state: (r) => [r.state],
    role: (r) => [r.role],
    /** Bills that the issuer still waits to be paid for. */
    unpaid: (r) => (['Issued', 'Received', 'Accepted'].includes(r.state) ? [r.role] : []),
  },
};

/** Where the bills of one activity stand. Its key is the activity, so a repeat always finds it. */
export const ActivityBilling = Type.Object(
  {
    activityId: Id,
    agreementId: Id,
    role: Role,
    /** Sequence and id of the newest note; 0 before the first. */
    sequence: Type.Integer({ minimum: 0 }),
    noteId: Type.Optional(Id),
    /** The newest note is the last one. */
    final: Type.Boolean(),
    /** Running hash over the samples billed (provider) or checked (requestor) so far. */
    samples: Type.Object({ last: Type.Integer({ minimum: 0 }), hash: Digest }, closed),
    /** Usage of the newest note (provider) or of the newest accepted one (requestor). */
    usage: Type.Record(CounterName, NanoUnits, {
      maxProperties: 32,
      ...closed,
    }),
    billed: Amount,
    accepted: Amount,
    /** The note that `accepted` comes from. */
    acceptedNoteId: Type.Optional(Id),
    acceptedSequence: Type.Integer({ minimum: 0 }),
    /** Provider: when the next interval ends; absent once the activity has ended. */
    nextNoteAt: Type.Optional(Timestamp),
  },
  closed,
);
export type ActivityBilling = Static<typeof ActivityBilling>;

export const activityBillingBucket: Bucket<ActivityBilling> = {
  name: 'activity-billing',
  check: checker(ActivityBilling, 'billing of an activity'),
  indexes: {
    agreement: (b) => [b.agreementId],
    running: (b) => (b.nextNoteAt === undefined ? [] : [b.role]),
  },
};

/** What is decided about the bills of one agreement; keyed by the agreement. */
export const AgreementBilling = Type.Object(
  {
    agreementId: Id,
    role: Role,
    invoiceId: Type.Optional(Id),
    /** Provider: why the agreement has to end for want of payment. */
    default: Type.Optional(Reason),
    /** The agreement has not been ended yet. */
    enforce: Type.Boolean(),
  },
  closed,
);
export type AgreementBilling = Static<typeof AgreementBilling>;

export const agreementBillingBucket: Bucket<AgreementBilling> = {
  name: 'agreement-billing',
  check: checker(AgreementBilling, 'billing of an agreement'),
  indexes: { enforce: (b) => (b.enforce ? ['yes'] : []) },
};

/** The sums between this node and one counterparty, on one platform, in one direction. */
export const Book = Type.Object(
  {
    role: Role,
    platform: PlatformName,
    counterparty: Address,
    billed: Sum,
    accepted: Sum,
    settled: Sum,
  },
  closed,
);
export type Book = Static<typeof Book>;

export const booksBucket: Bucket<Book> = {
  name: 'payment-books',
  check: checker(Book, 'payment book'),
  indexes: { counterparty: (b) => [b.counterparty] },
};

/** The requestor's allocations, by allocationId; released ones stay. */
export const allocationsBucket: Bucket<Allocation> = {
  name: 'allocations',
  check: checker(Allocation, 'allocation'),
};

/** Which allocation pays for an agreement; keyed by the agreement. */
const Assignment = Type.Object({ agreementId: Id, allocationId: Id }, closed);
export const assignmentsBucket: Bucket<Static<typeof Assignment>> = {
  name: 'allocation-assignments',
  check: checker(Assignment, 'allocation assignment'),
  indexes: { allocation: (a) => [a.allocationId] },
};

/** Key: direction, counterparty and sequence, so that no sequence number can be used twice. */
export const paymentsBucket: Bucket<PaymentRecord> = {
  name: 'payments',
  check: checker(PaymentRecord, 'payment record'),
  indexes: {
    payment: (r) => [r.payment.paymentId],
    invoice: (r) => [r.payment.invoiceId],
    agreement: (r) => [r.payment.agreementId],
    pair: (r) => [pairOf(r)],
    state: (r) => [r.state],
  },
};

function pairOf({ direction, payment }: PaymentRecord): string {
  return ledgerPairId(direction, direction === 'sent' ? payment.payee : payment.payer);
}

/** The id of the sequence of payments to or from one counterparty. */
export function ledgerPairId(direction: PaymentRecord['direction'], counterparty: string): string {
  return `${direction}.${counterparty.toLowerCase()}`;
}

/** How far the payments from one payer to one payee have come. */
const LedgerPair = Type.Object({ sequence: Type.Integer({ minimum: 0 }), cumulative: Amount }, closed);
export const ledgerPairsBucket: Bucket<Static<typeof LedgerPair>> = {
  name: 'ledger-pairs',
  check: checker(LedgerPair, 'ledger pair'),
};
