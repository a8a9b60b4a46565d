export { payment, type Payment, type PaymentComponents, type PaymentInit } from './payment.ts';
export type { AcceptOptions, BillActions } from './actions.ts';
export type { BillingSummary, PaymentQueries } from './queries.ts';
export type { Finding } from './verify-bill.ts';
export { toAmount } from './amount.ts';
export { cost } from './pricing.ts';
export {
  allocationsBucket,
  debitNotesBucket,
  invoicesBucket,
  paymentsBucket,
  type Book,
  type PaymentRecord,
} from './buckets.ts';
export { PaymentError, paymentErrors, type PaymentErrorCode } from './errors.ts';
export { forgetByHand } from './requestor/by-hand.ts';
export { PAYMENT_PROTOCOL } from './wire.ts';
export { ledger, type LedgerComponents, type LedgerInit } from './drivers/ledger/index.ts';
