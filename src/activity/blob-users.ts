import type { ActivityRecord, Reader } from '../interface/index.ts';
import { isFinal } from './machine.ts';
import { activities, batches, blobGrants, remotes, supervisions } from './records.ts';

/** An activity `needs` a blob while it is not over; one that is over `keeps` what it has put out. */
export interface ActivityBlobUse {
  readonly activityId: string;
  readonly agreementId: string;
  readonly use: 'needs' | 'keeps';
}

/** All activities that read the blob or have put it out. */
export async function activityBlobUsers(reader: Reader, hash: string): Promise<ActivityBlobUse[]> {
  const [bought, sold, made] = await Promise.all([
    readers(reader, hash),
    soldReaders(reader, hash),
    makers(reader, hash),
  ]);
  return [
    ...[...bought, ...sold].map((record) => useOf(record, 'needs')),
    ...made.map((record) => useOf(record, isFinal(record.state) ? 'keeps' : 'needs')),
  ];
}

/** Requestor: a provider may ask for it. */
async function readers(reader: Reader, hash: string): Promise<ActivityRecord[]> {
  const grants = await reader.list(blobGrants, { where: { index: 'hash', equals: hash } });
  return recordsOf(
    reader,
    grants.map(({ value }) => value.activityId),
  );
}

/** Provider: it was brought for a command that has not gone on yet, or is the package. */
async function soldReaders(reader: Reader, hash: string): Promise<ActivityRecord[]> {
  const live = await reader.list(activities, { where: { index: 'live', equals: 'provider' } });
  const found: ActivityRecord[] = [];
  for (const { id, value } of live) {
    const needs = (await reader.get(supervisions, id))?.needs ?? [];
    const isNeeded = needs.some((need) => 'hash' in need && !('url' in need) && need.hash === hash);
    if (isNeeded || value.package?.hash === hash) found.push(value);
  }
  return found;
}

/** Requestor: an output, which is fetched from the provider when somebody wants it. */
async function makers(reader: Reader, hash: string): Promise<ActivityRecord[]> {
  const made = await reader.list(batches, { where: { index: 'output', equals: hash } });
  const ids = [...new Set(made.map(({ value }) => value.activityId))];
  const wanted: string[] = [];
  for (const id of ids) {
    const remote = await reader.get(remotes, id);
    if (remote !== undefined && remote.resultsDropped !== true) wanted.push(id);
  }
  return recordsOf(reader, wanted);
}

async function recordsOf(reader: Reader, ids: readonly string[]): Promise<ActivityRecord[]> {
  const records = await Promise.all(ids.map((id) => reader.get(activities, id)));
  return records.filter((record) => record !== undefined);
}

const useOf = (
  { activityId, agreementId }: ActivityRecord,
  use: ActivityBlobUse['use'],
): ActivityBlobUse => ({
  activityId,
  agreementId,
  use,
});
