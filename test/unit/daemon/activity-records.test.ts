import fc from 'fast-check';
import { expect, it } from 'vitest';
import { activities } from '../../../src/activity/index.ts';
import { activityRecords } from '../../../src/daemon/activity-records.ts';
import type { ActivityRecord } from '../../../src/interface/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { activityRecord } from '../api/support/samples.ts';

const state = fc.constantFrom('New' as const, 'Running' as const, 'Completed' as const);
const role = fc.constantFrom('provider' as const, 'requestor' as const);
const agreementId = fc.constantFrom('agr-1', 'agr-2');
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

it('are paged newest first by any filters, whether they have ended or not', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ state, role, agreementId }), { maxLength: 12 }),
    fc.record({ state: optional(state), role: optional(role), agreement: optional(agreementId) }),
    fc.integer({ min: 1, max: 4 }),
    async (made, where, limit) => {
      const store = memoryStore();
      await store.start();
      const all = made.map((one, number): ActivityRecord => activityRecord(`a${10 + number}`, one));
      await store.transact(async (tx) => all.forEach((one) => tx.put(activities, one.activityId, one)));
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const { items, next } = await activityRecords(store).list({ limit, after, where });
        expect(items.length).toBeLessThanOrEqual(limit);
        seen.push(...items.map(({ activityId }) => activityId));
        after = next;
      } while (after !== undefined);
      const fits = (one: ActivityRecord): boolean =>
        [undefined, one.state].includes(where.state) &&
        [undefined, one.role].includes(where.role) &&
        [undefined, one.agreementId].includes(where.agreement);
      expect(seen).toEqual(
        all
          .filter(fits)
          .map(({ activityId }) => activityId)
          .reverse(),
      );
      await store.stop();
    },
  );
  await fc.assert(property, { numRuns: 60 });
});
