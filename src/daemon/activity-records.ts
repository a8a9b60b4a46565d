import { activities, isFinal } from '../activity/index.ts';
import {
  bucketCollection,
  type Collection,
  type CollectionPage,
  type CollectionQuery,
} from '../api/index.ts';
import { ACTIVITY_STATES, type ActivityRecord, type Role, type Store } from '../interface/index.ts';

const ROLES: readonly Role[] = ['provider', 'requestor'];
const OPEN_STATES: readonly string[] = ACTIVITY_STATES.filter((state) => !isFinal(state));

/**
 * Both parties' activities. Asked for a state that is not the last it looks only at those that have not ended: they are
 * few, however many have been.
 */
export function activityRecords(store: Store): Collection<ActivityRecord> {
  const all = bucketCollection(
    store,
    activities,
    {
      agreement: (record) => record.agreementId,
      state: (record) => record.state,
      role: (record) => record.role,
    },
    { agreement: 'agreementId' },
  );
  return {
    get: (id) => all.get(id),
    list: (query) => {
      const { state, agreement } = query.where ?? {};
      const isOpen = state !== undefined && OPEN_STATES.includes(state);
      return isOpen && agreement === undefined ? openPage(store, query) : all.list(query);
    },
  };
}

async function openPage(
  store: Store,
  { after, limit, where = {} }: CollectionQuery,
): Promise<CollectionPage<ActivityRecord>> {
  const roles = ROLES.filter((role) => where['role'] === undefined || where['role'] === role);
  const open = await Promise.all(
    roles.map((role) => store.list(activities, { where: { index: 'live', equals: role } })),
  );
  const found = open
    .flat()
    .filter(({ id, value }) => value.state === where['state'] && (after === undefined || id < after))
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(({ value }) => value),
    ...(found.length > limit && last !== undefined && { next: last.id }),
  };
}
