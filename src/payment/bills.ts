import type {
  BillDecision,
  BillState,
  DebitNote,
  DebitNoteRecord,
  Invoice,
  InvoiceRecord,
} from '../interface/payment.ts';
import type { Role } from '../interface/market.ts';
import type { JsonValue, Transaction } from '../interface/store.ts';
import type { Reason } from '../interface/values.ts';
import { debitNotesBucket, invoicesBucket } from './buckets.ts';
import { transition, type BillCommand } from './machine.ts';
import { toJson } from './wire.ts';

interface Now {
  readonly clock: { now(): number };
}

interface Extra {
  readonly decision?: BillDecision;
  readonly paymentId?: string;
  /** Why the state changes; part of the event. */
  readonly reason?: Reason | undefined;
}

/** More than the states that a bill goes through; beyond it the newest entry replaces the last one. */
const MAX_HISTORY = 64;

/** Stores a bill that is new here, in its first state, and says so. */
export function openNote(tx: Transaction, components: Now, role: Role, note: DebitNote): DebitNoteRecord {
  const state = firstState(role);
  const record = { note, role, state, history: [{ state, at: components.clock.now() }] };
  return saveNote(tx, record);
}

/** Keeps a new invoice, in the first state of its role. */
export function openInvoice(tx: Transaction, components: Now, role: Role, invoice: Invoice): InvoiceRecord {
  const state = firstState(role);
  const record = { invoice, role, state, history: [{ state, at: components.clock.now() }] };
  return saveInvoice(tx, record);
}

/** The one setter of a debit note's state. The record must have been read with `get` in this transaction. */
export function moveNote(
  tx: Transaction,
  components: Now,
  record: DebitNoteRecord,
  command: BillCommand,
  extra: Extra = {},
): DebitNoteRecord {
  const next: DebitNoteRecord = { ...record, ...moved(components, record, command) };
  if (extra.decision !== undefined) next.decision = extra.decision;
  return saveNote(tx, next, extra.reason);
}

/** The one setter of an invoice's state. The record must have been read with `get` in this transaction. */
export function moveInvoice(
  tx: Transaction,
  components: Now,
  record: InvoiceRecord,
  command: BillCommand,
  extra: Extra = {},
): InvoiceRecord {
  const next: InvoiceRecord = { ...record, ...moved(components, record, command) };
  if (extra.decision !== undefined) next.decision = extra.decision;
  if (extra.paymentId !== undefined) next.paymentId = extra.paymentId;
  return saveInvoice(tx, next, extra.reason);
}

function firstState(role: Role): BillState {
  return role === 'provider' ? 'Issued' : 'Received';
}

function moved(
  components: Now,
  record: { state: BillState; history: { state: BillState; at: number }[] },
  command: BillCommand,
): Pick<DebitNoteRecord, 'state' | 'history'> {
  const state = transition(record.state, command);
  const history = [...record.history.slice(0, MAX_HISTORY - 1), { state, at: components.clock.now() }];
  return { state, history };
}

function saveNote(tx: Transaction, record: DebitNoteRecord, reason?: Reason): DebitNoteRecord {
  const { note } = record;
  tx.put(debitNotesBucket, note.debitNoteId, record);
  tx.emit({
    type: `debit-note.${record.state.toLowerCase()}`,
    subject: note.debitNoteId,
    data: {
      debitNoteId: note.debitNoteId,
      agreementId: note.agreementId,
      activityId: note.activityId,
      role: record.role,
      sequence: note.sequence,
      final: note.final,
      amount: note.totalAmountDue,
      ...reasonData(reason),
    },
  });
  return record;
}

function saveInvoice(tx: Transaction, record: InvoiceRecord, reason?: Reason): InvoiceRecord {
  const { invoice } = record;
  tx.put(invoicesBucket, invoice.invoiceId, record);
  tx.emit({
    type: `invoice.${record.state.toLowerCase()}`,
    subject: invoice.invoiceId,
    data: {
      invoiceId: invoice.invoiceId,
      agreementId: invoice.agreementId,
      role: record.role,
      amount: invoice.amount,
      ...(record.paymentId === undefined ? {} : { paymentId: record.paymentId }),
      ...reasonData(reason),
    },
  });
  return record;
}

function reasonData(reason: Reason | undefined): { reason?: JsonValue } {
  return reason === undefined ? {} : { reason: toJson(reason) };
}
