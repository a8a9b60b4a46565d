import { isErgonError, type Sender } from '../../interface/index.ts';
import { activities, batches } from '../records.ts';
import type { ProviderContext } from './context.ts';

/** Path of a result blob, for the requestor of the activity that made it and for nobody else. */
export async function outputFor(
  { store, exeUnits }: Pick<ProviderContext, 'store' | 'exeUnits'>,
  hash: string,
  sender: Sender,
): Promise<string | undefined> {
  const makers = await store.list(batches, { where: { index: 'output', equals: hash } });
  for (const { value } of makers) {
    const record = await store.get(activities, value.activityId);
    if (record?.role !== 'provider' || record.address !== sender.address) continue;
    const path = await exeUnits.outputPath(value.activityId, hash).catch(undefinedWhenRemoved);
    if (path !== undefined) return path;
  }
  return undefined;
}

function undefinedWhenRemoved(error: unknown): undefined {
  if (!isErgonError(error, 'ERR_EXE_UNIT_NOT_FOUND')) throw error;
}
