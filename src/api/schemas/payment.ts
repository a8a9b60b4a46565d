import { Type, type Static } from 'typebox';
import { LedgerPayment, PaymentReceipt, Timestamp } from '../../interface/index.ts';
import { closed } from './common.ts';

/** A payment as one party's books hold it. */
export const PaymentView = Type.Object(
  {
    direction: Type.Union([Type.Literal('sent'), Type.Literal('received')]),
    state: Type.Union([Type.Literal('Sent'), Type.Literal('Settled'), Type.Literal('Failed')]),
    payment: LedgerPayment,
    receipt: Type.Optional(PaymentReceipt),
    stateChangedAt: Timestamp,
  },
  closed,
);
export type PaymentView = Static<typeof PaymentView>;
