import type { Resources } from './market.ts';
import type { Reader, Transaction } from './store.ts';

/** Like Resources, but each figure may be 0. */
export interface SlotAmounts {
  readonly cpuThreads: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/**
 * The provider's ledger of what its agreements hold: `free + Σ reserved = total`, at every instant. Both changes are
 * part of the transaction that changes the agreement, so a crash can strand neither.
 */
export interface SlotReservation {
  /** The most that this node sells at a time. */
  readonly total: SlotAmounts;
  free(reader: Reader): Promise<SlotAmounts>;
  /**
   * Holds the resources for the agreement. Idempotent by agreementId. Throws an ErgonError with code
   * ERR_ACTIVITY_SLOTS_FULL, and `detail` with what was asked and what is free, when they do not fit.
   */
  reserve(tx: Transaction, agreementId: string, resources: Resources): Promise<void>;
  /** Gives them back; a no-op when nothing is held. */
  release(tx: Transaction, agreementId: string): Promise<void>;
}
