import type { AgreementRecord } from '../../interface/market.ts';
import type { Forget } from '../../interface/retention.ts';
import type { Store, Transaction } from '../../interface/store.ts';
import { agreementBucket } from './records.ts';

/** Of these nobody owes anybody anything. */
const NEVER_MADE = ['Rejected', 'Cancelled', 'Expired'] as const;
const PAGE = 64;

/**
 * Forgets agreements that came to nothing; those that both parties signed stay for good. `alongside` removes, in the
 * same transaction, what other parts of the node keep under the agreement's id.
 */
export function forgetUnmade(components: {
  readonly store: Pick<Store, 'list' | 'transact'>;
  readonly alongside: (tx: Transaction, agreementId: string) => void;
}): Forget {
  const { store, alongside } = components;

  const forgetPage = (ids: readonly string[], before: number): Promise<number> =>
    store.transact(async (tx) => {
      let forgotten = 0;
      for (const id of ids) {
        const record = await tx.get(agreementBucket, id);
        if (record === undefined || !isOver(record, before)) continue;
        tx.delete(agreementBucket, id);
        alongside(tx, id);
        forgotten += 1;
      }
      return forgotten;
    });

  return async (before, breathe) => {
    let forgotten = 0;
    for (const state of NEVER_MADE) {
      let after: string | undefined;
      do {
        const where = { index: 'state', equals: state };
        const cursor = after === undefined ? {} : { after };
        const page = await store.list(agreementBucket, { where, limit: PAGE, ...cursor });
        const over = page.filter(({ value }) => isOver(value, before)).map(({ id }) => id);
        if (over.length > 0) forgotten += await forgetPage(over, before);
        after = page.length < PAGE ? undefined : page.at(-1)?.id;
        await breathe();
      } while (after !== undefined);
    }
    return forgotten;
  };
}

/** Until its own end the other party may come back to it. */
function isOver({ state, stateChangedAt, agreement }: AgreementRecord, before: number): boolean {
  return NEVER_MADE.some((one) => one === state) && Math.max(stateChangedAt, agreement.expiresAt) < before;
}
