import { join } from 'node:path';
import { activities, forgetActivities } from '../activity/index.ts';
import { forgetActivityNotes, forgetAgreementNotes } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import type { Forget, Store } from '../interface/index.ts';
import { forgetUnmade } from '../market/index.ts';
import { forgetByHand, type Payment } from '../payment/index.ts';
import { forgetUnbilled, taskBucket } from '../task/index.ts';

/** What of a node may be forgotten. Bills, payments, and agreements that were signed by both, never are. */
export function forgettable(
  { dataDir }: Pick<Config, 'dataDir'>,
  { store, payment }: { readonly store: Store; readonly payment: Payment },
): Readonly<Record<string, Forget>> {
  return {
    agreements: forgetUnmade({
      store,
      alongside: (tx, agreementId) => {
        forgetAgreementNotes(tx, agreementId);
        forgetByHand(tx, agreementId);
      },
    }),
    activities: forgetActivities(
      { logsDir: join(dataDir, 'logs') },
      { store, settledAt: (agreementId) => payment.settledAt(agreementId), alongside: forgetActivityNotes },
    ),
    awaitedInvoices: forgetUnbilled({
      store,
      isInvoiced: async (agreementId) =>
        (await payment.invoices({ where: { index: 'agreement', equals: agreementId }, limit: 1 })).length > 0,
    }),
    events: forgetEvents(store),
  };
}

/** Not those since when the oldest open activity or task is there: their story is told from its beginning. */
function forgetEvents(store: Store): Forget {
  return async (before, breathe) => {
    const until = Math.min(before, await openSince(store));
    let forgotten = 0;
    for (let some = await store.events.forget(until); some > 0; some = await store.events.forget(until)) {
      forgotten += some;
      await breathe();
    }
    return forgotten;
  };
}

async function openSince(store: Store): Promise<number> {
  const open = await Promise.all([
    ...['provider', 'requestor'].map((equals) =>
      store.list(activities, { where: { index: 'live', equals } }),
    ),
    store.list(taskBucket, { where: { index: 'open', equals: 'yes' } }),
  ]);
  return Math.min(...open.flat().map(({ value }) => value.createdAt));
}
