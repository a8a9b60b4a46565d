import type { DocumentKind } from '../interface/identity.ts';

/** One member of an EIP-712 struct. */
export interface TypedField {
  readonly name: string;
  readonly type: 'string' | 'bool' | 'address' | 'uint64' | 'uint256' | 'bytes32';
  /** Where the value stands in the document, when not at `name`. */
  readonly path?: readonly string[];
}

/** EIP-712 domain, the same for all documents; `chainId` keeps networks apart. */
export const DOMAIN_NAME = 'Ergon';
/** Of the EIP-712 domain: another one makes all earlier signatures void. */
export const DOMAIN_VERSION = '1';

/** The member that covers the whole document: keccak256 of its canonical JSON (RFC 8785) without `signature`. */
export const CONTENT_FIELD: TypedField = { name: 'content', type: 'bytes32' };

const id = (name: string): TypedField => ({ name, type: 'string' });
const party = (name: string): TypedField => ({ name, type: 'address' });
const time = (name: string): TypedField => ({ name, type: 'uint64' });
const amount = (name: string): TypedField => ({ name, type: 'uint256' });

const decision: readonly TypedField[] = [id('billId'), id('decision'), amount('amount'), time('at')];

/**
 * The EIP-712 types of all signed documents. Each shows what a person (or a contract on a chain) needs to see of
 * the document as typed members, and covers all of it by `content`, appended to each.
 * The struct's name is the kind, so a signature under one kind is worth nothing under another.
 */
export const DOCUMENT_TYPES: Readonly<Record<DocumentKind, readonly TypedField[]>> = {
  Offer: [id('offerId'), party('provider'), id('peerId'), time('createdAt'), time('expiresAt')],
  Agreement: [
    id('agreementId'),
    party('requestor'),
    party('provider'),
    { name: 'platform', type: 'string', path: ['terms', 'pricing', 'platform'] },
    { name: 'startPrice', type: 'uint256', path: ['terms', 'pricing', 'startPrice'] },
    time('createdAt'),
    time('approveBy'),
    time('expiresAt'),
  ],
  Termination: [
    id('agreementId'),
    id('by'),
    { name: 'reason', type: 'string', path: ['reason', 'code'] },
    time('at'),
  ],
  DebitNote: [
    id('debitNoteId'),
    id('agreementId'),
    id('activityId'),
    time('sequence'),
    { name: 'final', type: 'bool' },
    id('platform'),
    party('issuer'),
    party('recipient'),
    amount('totalAmountDue'),
    time('createdAt'),
  ],
  DebitNoteDecision: decision,
  Invoice: [
    id('invoiceId'),
    id('agreementId'),
    id('platform'),
    party('issuer'),
    party('recipient'),
    amount('amount'),
    time('createdAt'),
    time('paymentDueAt'),
  ],
  InvoiceDecision: decision,
  LedgerPayment: [
    id('paymentId'),
    id('platform'),
    party('payer'),
    party('payee'),
    id('invoiceId'),
    id('agreementId'),
    amount('amount'),
    time('sequence'),
    amount('cumulative'),
    time('createdAt'),
  ],
  PaymentReceipt: [
    id('paymentId'),
    id('platform'),
    party('payer'),
    party('payee'),
    time('sequence'),
    amount('cumulative'),
    time('at'),
  ],
};
