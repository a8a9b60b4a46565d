/** The kinds of documents that are signed; each has its EIP-712 type in src/identity. */
export type DocumentKind =
  | 'Offer'
  | 'Agreement'
  | 'Termination'
  | 'DebitNote'
  | 'DebitNoteDecision'
  | 'Invoice'
  | 'InvoiceDecision'
  | 'LedgerPayment'
  | 'PaymentReceipt';

/** Signs as this node. Any `signature` member of the document is left out of what is signed. */
export interface Signer {
  /** EIP-55. */
  readonly address: string;
  sign(kind: DocumentKind, document: object): Promise<string>;
}

/** Pure; needs no key. */
export interface Verifier {
  /** The EIP-712 digest, 32 bytes hex. */
  digest(kind: DocumentKind, document: object): string;
  /** Throws IdentityError ERR_IDENTITY_SIGNATURE (wrong signer, or changed since signing) with expected and recovered address. */
  verify(kind: DocumentKind, document: object, signature: string, expectedAddress: string): void;
}
