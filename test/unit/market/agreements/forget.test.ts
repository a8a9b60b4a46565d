import { expect, it } from 'vitest';
import type { AgreementRecord, AgreementState } from '../../../../src/interface/market.ts';
import { agreementBucket, forgetUnmade } from '../../../../src/market/index.ts';
import { memoryStore } from '../../../../src/store/index.ts';
import { items } from '../../../support/store-at.ts';
import { agreementRecord } from '../../api/support/samples.ts';

const BEFORE = 1_900_000_000_000;
const STATES: readonly AgreementState[] = [
  'Proposal',
  'Pending',
  'Approved',
  'Terminated',
  'Rejected',
  'Cancelled',
  'Expired',
];

it('forgets agreements that came to nothing long ago with what hangs on them, and keeps those that were made', async () => {
  const store = memoryStore();
  await store.start();
  const ages = { old: [-1, -1], young: [0, -1], unexpired: [-1, 0] } as const;
  const all = STATES.flatMap((state) =>
    Object.entries(ages).flatMap(([age, [changed, expires]]) =>
      // More than a page of each.
      Array.from({ length: 70 }, (_, number): AgreementRecord => {
        const record = agreementRecord(`${state}-${age}-${number}`);
        const agreement = { ...record.agreement, expiresAt: BEFORE + expires };
        return { ...record, agreement, state, stateChangedAt: BEFORE + changed };
      }),
    ),
  );
  await store.transact(async (tx) => {
    for (const record of all) {
      const { agreementId } = record.agreement;
      tx.put(agreementBucket, agreementId, record);
      tx.put(items, agreementId, { n: 0, state: 'beside' });
    }
  });
  const forget = forgetUnmade({ store, alongside: (tx, agreementId) => tx.delete(items, agreementId) });
  expect(await forget(BEFORE, () => Promise.resolve())).toBe(3 * 70);
  const kept = all
    .map(({ agreement: { agreementId } }) => agreementId)
    .filter((id) => !/^(Rejected|Cancelled|Expired)-old/.test(id))
    .sort();
  expect((await store.list(agreementBucket)).map(({ id }) => id)).toEqual(kept);
  expect((await store.list(items)).map(({ id }) => id)).toEqual(kept);
  expect(await forget(BEFORE, () => Promise.resolve())).toBe(0);
});
