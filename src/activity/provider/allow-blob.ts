import { isErgonError, type Sender } from '../../interface/index.ts';
import { activities, batches } from '../records.ts';
import type { ProviderContext } from './context.ts';

const PAGE = 16;

/** Path of a result blob, for the requestor of the activity that made it and for nobody else. */
export async function outputFor(
  { store, exeUnits }: Pick<ProviderContext, 'store' | 'exeUnits'>,
  hash: string,
  sender: Sender,
): Promise<string | undefined> {
  const where = { index: 'output', equals: hash };
  let after: string | undefined;
  do {
    // Newest first: what older ones made is gone with their directories, and there may be any number of them.
    const page = await store.list(batches, {
      where,
      reverse: true,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    for (const { value } of page) {
      const record = await store.get(activities, value.activityId);
      if (record?.role !== 'provider' || record.address !== sender.address) continue;
      const path = await exeUnits.outputPath(value.activityId, hash).catch(undefinedWhenRemoved);
      if (path !== undefined) return path;
    }
    after = page.length < PAGE ? undefined : page.at(-1)?.id;
  } while (after !== undefined);
  return undefined;
}

function undefinedWhenRemoved(error: unknown): undefined {
  if (!isErgonError(error, 'ERR_EXE_UNIT_NOT_FOUND')) throw error;
}
