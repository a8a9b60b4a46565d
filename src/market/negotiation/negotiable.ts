import { PROPERTY } from '../../interface/property-names.ts';

/** A condition in seconds that a demand may wish, within the bounds of the offer. */
export interface Negotiable {
  readonly wish: string;
  readonly min: string;
  readonly max: string;
}

export const NEGOTIABLES = {
  debitNoteInterval: {
    wish: PROPERTY.debitNoteIntervalSec,
    min: PROPERTY.debitNoteIntervalMinSec,
    max: PROPERTY.debitNoteIntervalMaxSec,
  },
  debitNoteAcceptTimeout: {
    wish: PROPERTY.debitNoteAcceptTimeoutSec,
    min: PROPERTY.debitNoteAcceptTimeoutMinSec,
    max: PROPERTY.debitNoteAcceptTimeoutMaxSec,
  },
  paymentTimeout: {
    wish: PROPERTY.paymentTimeoutSec,
    min: PROPERTY.paymentTimeoutMinSec,
    max: PROPERTY.paymentTimeoutMaxSec,
  },
} as const satisfies Record<string, Negotiable>;
