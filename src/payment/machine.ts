import type { BillState } from '../interface/payment.ts';
import { PaymentError } from './errors.ts';

/**
 * The life of a debit note or an invoice.
 *
 *   Issued ──► Received ──► Accepted ──► Settled
 *     │           ├───────► Rejected        ▲
 *     │           ├───────► Cancelled       │
 *     └───────────┴───────► Failed ─────────┘
 *
 * At the issuer a bill is Issued until the recipient's node has it, at the recipient it begins as Received.
 * Failed means overdue, not over: a late decision or payment still counts. A payment is the strongest acceptance,
 * so it settles whatever is not refused.
 */
export const TRANSITIONS = {
  receive: { from: ['Issued'], to: 'Received' },
  accept: { from: ['Issued', 'Received', 'Failed'], to: 'Accepted' },
  reject: { from: ['Issued', 'Received', 'Failed'], to: 'Rejected' },
  cancel: { from: ['Issued', 'Received', 'Failed'], to: 'Cancelled' },
  settle: { from: ['Issued', 'Received', 'Accepted', 'Failed'], to: 'Settled' },
  fail: { from: ['Issued', 'Received', 'Accepted'], to: 'Failed' },
} as const satisfies Record<string, { from: readonly BillState[]; to: BillState }>;

export type BillCommand = keyof typeof TRANSITIONS;
export const BILL_COMMANDS = Object.keys(TRANSITIONS) as readonly BillCommand[];

/** Whether the command can be given in this state. */
export function may(state: BillState, command: BillCommand): boolean {
  const from: readonly BillState[] = TRANSITIONS[command].from;
  return from.includes(state);
}

/** The state that `command` leads to. Throws PaymentError ERR_PAYMENT_STATE when it may not be given now. */
export function transition(state: BillState, command: BillCommand): BillState {
  if (!may(state, command))
    throw new PaymentError('ERR_PAYMENT_STATE', `Cannot ${command} a bill that is ${state}`, {
      state,
      command,
    });
  return TRANSITIONS[command].to;
}
