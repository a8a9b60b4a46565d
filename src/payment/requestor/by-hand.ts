import { Type, type Static } from 'typebox';
import type { Bucket, Reader, Transaction } from '../../interface/store.ts';
import { Id } from '../../interface/values.ts';
import { checker } from '../../util/check.ts';
import type { PaymentContext } from '../context.ts';

const ByHand = Type.Object({ agreementId: Id }, { additionalProperties: false });

/** Agreements whose bills wait for accept and reject by hand; by agreementId. */
const byHandBucket: Bucket<Static<typeof ByHand>> = {
  name: 'bills-by-hand',
  check: checker(ByHand, 'agreement with bills by hand'),
};

/** From now on bills of the agreement wait for somebody to accept or reject them. */
export async function leaveToHand(tx: Transaction, agreementId: string): Promise<void> {
  if ((await tx.get(byHandBucket, agreementId)) === undefined)
    tx.put(byHandBucket, agreementId, { agreementId });
}

/** Whether a bill of the agreement is checked and decided as it comes. */
export async function decidesAtOnce(
  reader: Reader,
  context: Pick<PaymentContext, 'settings'>,
  agreementId: string,
): Promise<boolean> {
  return context.settings.decideAtOnce && (await reader.get(byHandBucket, agreementId)) === undefined;
}

/** Of an agreement that came to nothing, and will have no bills. */
export function forgetByHand(tx: Transaction, agreementId: string): void {
  tx.delete(byHandBucket, agreementId);
}
