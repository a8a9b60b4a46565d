import { Type, type Static } from 'typebox';
import {
  Address,
  Amount,
  CounterName,
  Digest,
  Id,
  NanoUnits,
  PlatformName,
  Reason,
  Signature,
  Timestamp,
} from './values.ts';
import type { ActivityRecord, UsageSample } from './activity.ts';
import { Role, type AgreementRecord } from './market.ts';
import type { RequestHandler } from './network.ts';
import type { ReplyHandler } from './outbox.ts';
import type { Startable } from './startable.ts';
import type { Reader, Transaction } from './store.ts';

const closed = { additionalProperties: false } as const;

/** A bill for one activity so far: cumulative, never falling, citing the samples that it bills. */
export const DebitNote = Type.Object(
  {
    debitNoteId: Id,
    agreementId: Id,
    activityId: Id,
    /** Counts the activity's notes from 1. */
    sequence: Type.Integer({ minimum: 1 }),
    /** The last one of its activity. */
    final: Type.Boolean(),
    platform: PlatformName,
    issuer: Address,
    recipient: Address,
    /** Counter → billionths of its unit, of the last sample billed. */
    usage: Type.Record(CounterName, NanoUnits, {
      maxProperties: 32,
      ...closed,
    }),
    /** The samples 1…`last` of the activity, and the running hash over them. */
    samples: Type.Object({ last: Type.Integer({ minimum: 0 }), hash: Digest }, closed),
    totalAmountDue: Amount,
    createdAt: Timestamp,
    signature: Signature,
  },
  closed,
);
export type DebitNote = Static<typeof DebitNote>;

/** The recipient's signed answer to a debit note or an invoice. */
export const BillDecision = Type.Object(
  {
    billId: Id,
    decision: Type.Union([Type.Literal('Accepted'), Type.Literal('Rejected')]),
    amount: Amount,
    reason: Type.Optional(Reason),
    at: Timestamp,
    signature: Signature,
  },
  closed,
);
export type BillDecision = Static<typeof BillDecision>;

/** The bill for a whole agreement: the sum of the final debit notes of its activities. */
export const Invoice = Type.Object(
  {
    invoiceId: Id,
    agreementId: Id,
    platform: PlatformName,
    issuer: Address,
    recipient: Address,
    /** The final note of each activity. */
    activities: Type.Array(Type.Object({ activityId: Id, debitNoteId: Id, amount: Amount }, closed), {
      maxItems: 4096,
    }),
    amount: Amount,
    createdAt: Timestamp,
    paymentDueAt: Timestamp,
    signature: Signature,
  },
  closed,
);
export type Invoice = Static<typeof Invoice>;

/** One settlement between two nodes' books, signed by the payer; `cumulative` is the sum of all from payer to payee. */
export const LedgerPayment = Type.Object(
  {
    paymentId: Id,
    platform: PlatformName,
    payer: Address,
    payee: Address,
    invoiceId: Id,
    agreementId: Id,
    amount: Amount,
    /** Counts the payments of this payer to this payee from 1. */
    sequence: Type.Integer({ minimum: 1 }),
    cumulative: Amount,
    createdAt: Timestamp,
    signature: Signature,
  },
  closed,
);
export type LedgerPayment = Static<typeof LedgerPayment>;

/** The payee's signed answer to a LedgerPayment: it stands in the payee's books. */
export const PaymentReceipt = Type.Object(
  {
    paymentId: Id,
    platform: PlatformName,
    payer: Address,
    payee: Address,
    sequence: Type.Integer({ minimum: 1 }),
    /** What the payee has booked from this payer, this payment included. */
    cumulative: Amount,
    at: Timestamp,
    signature: Signature,
  },
  closed,
);
export type PaymentReceipt = Static<typeof PaymentReceipt>;

/** A payment as one party's books hold it. */
export const PaymentRecord = Type.Object(
  {
    /** `sent`: this node pays. `received`: it is paid. */
    direction: Type.Union([Type.Literal('sent'), Type.Literal('received')]),
    state: Type.Union([Type.Literal('Sent'), Type.Literal('Settled'), Type.Literal('Failed')]),
    payment: LedgerPayment,
    receipt: Type.Optional(PaymentReceipt),
    stateChangedAt: Timestamp,
  },
  closed,
);
export type PaymentRecord = Static<typeof PaymentRecord>;

/** States of debit notes and invoices. `Failed` is overdue, not over: src/payment/machine.ts draws them. */
export const BILL_STATES = [
  'Issued',
  'Received',
  'Accepted',
  'Rejected',
  'Cancelled',
  'Settled',
  'Failed',
] as const;
export type BillState = (typeof BILL_STATES)[number];
const BillStateSchema = Type.Union(BILL_STATES.map((s) => Type.Literal(s)));
const history = Type.Array(Type.Object({ state: BillStateSchema, at: Timestamp }, closed), { maxItems: 64 });

/** A debit note as one party's books hold it; `role` is this node's. */
export const DebitNoteRecord = Type.Object(
  { note: DebitNote, role: Role, state: BillStateSchema, decision: Type.Optional(BillDecision), history },
  closed,
);
export type DebitNoteRecord = {
  note: DebitNote;
  role: Role;
  state: BillState;
  decision?: BillDecision;
  history: { state: BillState; at: number }[];
};

/** An invoice as one party's books hold it; `role` is this node's, `paymentId` what settles it. */
export const InvoiceRecord = Type.Object(
  {
    invoice: Invoice,
    role: Role,
    state: BillStateSchema,
    decision: Type.Optional(BillDecision),
    paymentId: Type.Optional(Id),
    history,
  },
  closed,
);
export type InvoiceRecord = {
  invoice: Invoice;
  role: Role;
  state: BillState;
  decision?: BillDecision;
  paymentId?: string;
  history: { state: BillState; at: number }[];
};

/** Money set aside by the requestor: `total = spent + remaining`, always. */
export const Allocation = Type.Object(
  {
    allocationId: Id,
    platform: PlatformName,
    total: Amount,
    /** Accepted so far, over all agreements of the allocation. */
    spent: Amount,
    remaining: Amount,
    released: Type.Boolean(),
    createdAt: Timestamp,
  },
  closed,
);
export type Allocation = Static<typeof Allocation>;

/** What tasks need of payment. */
export interface Allocations {
  /**
   * Idempotent by allocationId; `total` in smallest units.
   * @throws PaymentError ERR_PAYMENT_PLATFORM, ERR_PAYMENT_ALLOCATION_CONFLICT when one of this id is another
   */
  create(request: { allocationId: string; platform: string; total: string }): Promise<Allocation>;
  get(allocationId: string): Promise<Allocation | undefined>;
  /** Bills of this agreement are accepted out of this allocation; without one they are rejected. */
  assign(agreementId: string, allocationId: string): Promise<void>;
  /** Makes it larger, or smaller down to what is spent already. */
  resize(allocationId: string, total: string): Promise<Allocation>;
  /** Ends it; what is not spent is free again. Bills of its agreements that are still open stay payable. */
  release(allocationId: string): Promise<void>;
}

/** Moves money on one platform. */
export interface PaymentDriver extends Startable {
  readonly platform: string;
  /** The smallest units per token, as a power of ten. */
  readonly decimals: number;
  readonly symbol: string;
  /** Pays an accepted invoice; idempotent by invoiceId. It is called inside the transaction that records the intent. */
  pay(tx: Transaction, invoice: Invoice): Promise<string>;
  /** How far this node lets a balance with one counterparty grow; absent limits are none. */
  readonly credit?: CreditLimits;
  /** Request kinds that the driver answers itself, served under `/ergon/payment/1`. */
  readonly requests?: Readonly<Record<string, RequestHandler<never>>>;
  /** Its handlers for the answers to its own outbox messages, by kind. */
  readonly replies?: Readonly<Record<string, ReplyHandler>>;
}

/** In the platform's smallest units; `accepted` counts what is accepted but not yet settled too. */
export interface CreditLimits {
  /** As payer: bills that would make us owe one counterparty more are rejected. */
  readonly maxOwed?: bigint;
  /** As payee: a counterparty that owes us more loses its agreements. */
  readonly maxDue?: bigint;
}

/** What payment reads of activities. */
export interface UsageSource {
  activity(reader: Reader, activityId: string): Promise<ActivityRecord | undefined>;
  activitiesOf(reader: Reader, agreementId: string): Promise<ActivityRecord[]>;
  /** Samples with `fromSequence <= sequence <= toSequence`, in order; those not known here are left out. */
  samples(
    reader: Reader,
    activityId: string,
    fromSequence: number,
    toSequence: number,
  ): Promise<UsageSample[]>;
}

/** What payment reads of agreements, inside its own transactions. */
export interface AgreementSource {
  agreement(reader: Reader, agreementId: string): Promise<AgreementRecord | undefined>;
}
