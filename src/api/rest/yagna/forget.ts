import type { Bucket, IndexQuery, Transaction } from '../../../interface/index.ts';
import { agreementNoteBucket, approvalNoteBucket } from './market/records.ts';
import { batchNoteBucket } from './activity/records.ts';

/** Of an agreement that came to nothing. */
export function forgetAgreementNotes(tx: Transaction, agreementId: string): void {
  tx.delete(agreementNoteBucket, agreementId);
  tx.delete(approvalNoteBucket, agreementId);
}

/** Of an activity whose batches are forgotten too. */
export function forgetActivityNotes(
  activityId: string,
  remove: <T>(bucket: Bucket<T>, where: IndexQuery) => Promise<void>,
): Promise<void> {
  return remove(batchNoteBucket, { index: 'activity', equals: activityId });
}
