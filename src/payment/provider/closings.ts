import type { Transaction } from '../../interface/store.ts';
import { debitNotesBucket } from '../buckets.ts';
import { requireAgreement, type PaymentContext } from '../context.ts';
import type { Timers } from '../timers.ts';
import type { Deadlines } from './deadlines.ts';
import { issueInvoice, patientUntil } from './issue-invoice.ts';

/** Invoices for agreements that are over. */
export interface Closings {
  /** Invoices an agreement if it is over, or sees to it that it will be once the patience with its last notes ends. */
  close(tx: Transaction, agreementId: string): Promise<void>;
  /** The invoice is paid: nobody waits any more for it, nor for a word on the notes that it covers. */
  settled(tx: Transaction, agreementId: string): Promise<void>;
  /** Takes up what waited when the node stopped. */
  start(): Promise<void>;
}

/** The invoice of each agreement, as soon as there can be one. */
export function closings(context: PaymentContext, timers: Timers, parts: { deadlines: Deadlines }): Closings {
  const close: Closings['close'] = async (tx, agreementId) => {
    const record = await requireAgreement(context, tx, agreementId);
    if (record.role !== 'provider') return;
    // One look at the clock: what is too early by it is waited for by it.
    const now = context.clock.now();
    const invoice = await issueInvoice(tx, context, record, now);
    if (invoice === undefined) return wait(tx, agreementId, now);
    timers.disarm(timerOf(agreementId));
    parts.deadlines.watchInvoice(invoice);
  };
  const wait = async (tx: Transaction, agreementId: string, now: number): Promise<void> => {
    const until = (await notesOf(tx, agreementId))
      .filter(({ value }) => value.note.final)
      .map(({ value }) => patientUntil(value));
    const next = Math.max(0, ...until);
    if (next > now)
      timers.arm(timerOf(agreementId), next, () =>
        context.store.transact((later) => close(later, agreementId)),
      );
  };
  return {
    close,
    async settled(tx, agreementId) {
      parts.deadlines.forgetInvoice(agreementId);
      for (const { value } of await notesOf(tx, agreementId)) parts.deadlines.forgetNote(value.note);
    },
    async start() {
      const open = await context.store.list(debitNotesBucket, {
        where: { index: 'undecided', equals: 'provider' },
      });
      const ended = open.filter(({ value }) => value.note.final).map(({ value }) => value.note.agreementId);
      for (const agreementId of new Set(ended)) await context.store.transact((tx) => close(tx, agreementId));
    },
  };
}

const timerOf = (agreementId: string): string => `invoice ${agreementId}`;

const notesOf = (tx: Transaction, agreementId: string) =>
  tx.list(debitNotesBucket, { where: { index: 'agreement', equals: agreementId } });
