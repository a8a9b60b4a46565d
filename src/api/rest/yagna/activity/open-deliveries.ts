import type { Reader } from '../../../../interface/index.ts';
import { batchNoteBucket } from './records.ts';

/** Activities of which something may still have to be sent to a client: their outputs are needed until then. */
export async function deliveringActivities(reader: Reader): Promise<ReadonlySet<string>> {
  const open = await reader.list(batchNoteBucket, { where: { index: 'open', equals: 'yes' } });
  return new Set(open.map(({ value }) => value.activityId));
}
