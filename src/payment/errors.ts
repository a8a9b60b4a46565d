import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type PaymentErrorCode =
  | 'ERR_PAYMENT_AMOUNT'
  | 'ERR_PAYMENT_PRICING'
  | 'ERR_PAYMENT_STATE'
  | 'ERR_PAYMENT_PLATFORM'
  | 'ERR_PAYMENT_BILL_NOT_FOUND'
  | 'ERR_PAYMENT_BILL_FORK'
  | 'ERR_PAYMENT_AGREEMENT_NOT_FOUND'
  | 'ERR_PAYMENT_ACTIVITY_NOT_FOUND'
  | 'ERR_PAYMENT_NOT_PARTY'
  | 'ERR_PAYMENT_TOO_MANY_NOTES'
  | 'ERR_PAYMENT_INVOICE_EXISTS'
  | 'ERR_PAYMENT_DECISION_FORK'
  | 'ERR_PAYMENT_REFUSED'
  | 'ERR_PAYMENT_INVOICED'
  | 'ERR_PAYMENT_LEDGER_FORK'
  | 'ERR_PAYMENT_LEDGER_SUM'
  | 'ERR_PAYMENT_NOT_FOUND'
  | 'ERR_PAYMENT_ALLOCATION_NOT_FOUND'
  | 'ERR_PAYMENT_ALLOCATION_CONFLICT'
  | 'ERR_PAYMENT_ALLOCATION_RELEASED';

export class PaymentError extends ErgonError<PaymentErrorCode> {}

export const paymentErrors: ErrorCatalogue<PaymentErrorCode> = {
  ERR_PAYMENT_AMOUNT: {
    meaning: 'A sum of money is no decimal number, is negative, or has more digits than its token.',
    remedy: 'Write it as a plain decimal, for example 1.5, with no more decimals than the platform has.',
  },
  ERR_PAYMENT_PRICING: {
    meaning: 'A price names a different number of counters and coefficients.',
    remedy: 'Give each counter of the price exactly one coefficient.',
  },
  ERR_PAYMENT_STATE: {
    meaning: 'A debit note or an invoice is not in a state in which this can be done to it.',
    remedy: 'Look at its state; `detail` names it. Nothing was changed.',
  },
  ERR_PAYMENT_PLATFORM: {
    meaning: 'No payment driver of this node serves the payment platform.',
    remedy: 'Use a platform that `detail.known` lists, or configure a driver for this one.',
  },
  ERR_PAYMENT_BILL_NOT_FOUND: {
    meaning: 'There is no debit note or invoice of this id here.',
    remedy: 'List them with `ergon debit-note list` and `ergon invoice list`.',
  },
  ERR_PAYMENT_BILL_FORK: {
    meaning: 'A second bill came under the id or the sequence number of an earlier one, with other content.',
    remedy: 'Keep both as evidence: the issuer signed two different bills. The first one stands.',
  },
  ERR_PAYMENT_AGREEMENT_NOT_FOUND: {
    meaning: 'A bill or payment names an agreement that this node does not know.',
    remedy: 'Check that both nodes still have their books; restore them from a backup if not.',
  },
  ERR_PAYMENT_ACTIVITY_NOT_FOUND: {
    meaning: 'A debit note names an activity that is unknown here or belongs to another agreement.',
    remedy: 'Ask the provider which activity it means. The note was not stored.',
  },
  ERR_PAYMENT_NOT_PARTY: {
    meaning: 'A peer sent a bill, a decision or a payment about business that is not its own.',
    remedy: 'Nothing was changed. Only the party that the agreement names can act on it.',
  },
  ERR_PAYMENT_TOO_MANY_NOTES: {
    meaning: 'Debit notes of an activity come much faster than the agreed interval.',
    remedy: 'The provider has to keep to the interval of the agreement.',
  },
  ERR_PAYMENT_INVOICE_EXISTS: {
    meaning: 'The agreement has been invoiced already, under another id.',
    remedy: 'There is one invoice for each agreement: look for it by the agreement id.',
  },
  ERR_PAYMENT_DECISION_FORK: {
    meaning: 'A bill was accepted and rejected by the same party.',
    remedy: 'The first decision stands; keep both as evidence.',
  },
  ERR_PAYMENT_REFUSED: {
    meaning: 'A bill cannot be accepted by hand because it does not pass the checks.',
    remedy: '`detail.reason` says which check failed. Reject it, or mend the cause, such as the allocation.',
  },
  ERR_PAYMENT_INVOICED: {
    meaning:
      'A debit note cannot be rejected any more, since an invoice that sums it up waits to be decided on.',
    remedy: 'Accept or reject the invoice that `detail.invoiceId` names: that decides on its notes.',
  },
  ERR_PAYMENT_LEDGER_FORK: {
    meaning: 'Two different payments of one payer carry the same sequence number.',
    remedy: 'The first one stands; keep both as evidence that the payer signed two histories.',
  },
  ERR_PAYMENT_LEDGER_SUM: {
    meaning: 'The cumulative sum of a payment or a receipt does not follow from the books.',
    remedy: 'Compare the payments of both nodes; `detail` has the expected and the received sum.',
  },
  ERR_PAYMENT_NOT_FOUND: {
    meaning: 'There is no payment of this id here.',
    remedy: 'List the payments of the agreement.',
  },
  ERR_PAYMENT_ALLOCATION_NOT_FOUND: {
    meaning: 'There is no allocation of this id.',
    remedy: 'Create the allocation before assigning agreements to it.',
  },
  ERR_PAYMENT_ALLOCATION_CONFLICT: {
    meaning:
      'An allocation of this id exists with other content, or the agreement has another allocation already.',
    remedy: 'Use a new allocation id, or keep the agreement in the allocation that it has.',
  },
  ERR_PAYMENT_ALLOCATION_RELEASED: {
    meaning: 'The allocation has been released and takes no further agreements.',
    remedy: 'Create a new allocation.',
  },
};
