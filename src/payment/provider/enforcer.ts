import type { Agreements } from '../../interface/market.ts';
import { readAgreementBilling, writeAgreementBilling } from '../billing.ts';
import { agreementBillingBucket } from '../buckets.ts';
import type { PaymentContext } from '../context.ts';
import type { Timers } from '../timers.ts';

/** Ends agreements whose requestor has not done what was due. */
export interface Enforcer {
  /** Ends the agreement if its books say so, soon and outside any transaction. */
  kick(agreementId: string): void;
  /** Takes up what was decided before the node stopped. */
  start(): Promise<void>;
}

/** Ends agreements that are in default. The decision is in the books first, so a crash only delays it. */
export function enforcer(
  context: PaymentContext,
  timers: Timers,
  components: { agreements: Pick<Agreements, 'terminate'> },
): Enforcer {
  const enforce = async (agreementId: string): Promise<void> => {
    const billing = await context.store.get(agreementBillingBucket, agreementId);
    if (billing?.default === undefined || !billing.enforce) return;
    const record = await context.agreements.agreement(context.store, agreementId);
    if (record?.state === 'Approved') await components.agreements.terminate(agreementId, billing.default);
    await context.store.transact(async (tx) => {
      const now = await readAgreementBilling(tx, agreementId, 'provider');
      writeAgreementBilling(tx, { ...now, enforce: false });
    });
  };
  const kick: Enforcer['kick'] = (agreementId) =>
    timers.arm(`enforce ${agreementId}`, context.clock.now(), () => enforce(agreementId));
  return {
    kick,
    async start() {
      for (const { id } of await context.store.list(agreementBillingBucket, {
        where: { index: 'enforce', equals: 'yes' },
      }))
        kick(id);
    },
  };
}
