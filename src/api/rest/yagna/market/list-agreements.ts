import type { AgreementRecord } from '../../../../interface/index.ts';
import type { YagnaContext } from '../init.ts';
import { agreementNoteBucket, approvalNoteBucket } from './records.ts';
import { iso } from '../time.ts';

/** Which agreements; times in milliseconds since the epoch. */
export interface AgreementFilter {
  readonly state?: AgreementRecord['state'];
  readonly appSessionId?: string;
  readonly after?: number;
  readonly before?: number;
}

const PAGE = 500;

/** The agreements that pass the filter, as Yagna has them. */
export async function listAgreements(
  context: Pick<YagnaContext, 'books' | 'store'>,
  filter: AgreementFilter,
): Promise<object[]> {
  const { appSessionId, state, after = 0, before = Infinity } = filter;
  const records =
    appSessionId === undefined ? await all(context, state, after) : await ofSession(context, appSessionId);
  return records
    .filter((record) => state === undefined || record.state === state)
    .filter(({ agreement: { createdAt } }) => createdAt > after && createdAt < before)
    .map(entry);
}

async function all(
  { books }: Pick<YagnaContext, 'books'>,
  state: AgreementRecord['state'] | undefined,
  after: number,
): Promise<AgreementRecord[]> {
  const found: AgreementRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await books.agreements.list({ limit: PAGE, after: cursor, where: { state } });
    found.push(...page.items);
    // Ids sort by the time in which they were made: behind a whole page of older ones there are only older ones.
    const isOld = page.items.every(({ agreement: { createdAt } }) => createdAt <= after);
    cursor = isOld ? undefined : page.next;
  } while (cursor !== undefined);
  return found;
}

async function ofSession(
  { store, books }: Pick<YagnaContext, 'store' | 'books'>,
  appSessionId: string,
): Promise<AgreementRecord[]> {
  const where = { index: 'session', equals: appSessionId };
  const notes = await store.list(agreementNoteBucket, { where });
  const approvals = await store.list(approvalNoteBucket, { where });
  const records = await Promise.all([...notes, ...approvals].map(({ id }) => books.agreements.get(id)));
  return records.filter((record) => record !== undefined);
}

/** The specification requires other names than those that it describes: both are there. */
function entry({ agreement, approvedAt, role }: AgreementRecord): object {
  const timestamp = iso(agreement.createdAt);
  const approvedDate = approvedAt === undefined ? null : iso(approvedAt);
  return {
    id: agreement.agreementId,
    timestamp,
    creationTs: timestamp,
    approvedDate,
    approveTs: approvedDate,
    role: role === 'requestor' ? 'Requestor' : 'Provider',
  };
}
