import { isErgonError } from '../../interface/index.ts';
import type { OutputTaken } from '../messages.ts';
import { supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';

/** What the requestor has makes room for further outputs, unless it is still to be put at a URL. */
export async function dropOutput(
  { store, exeUnits }: Pick<ProviderContext, 'store' | 'exeUnits'>,
  { activityId, hash }: OutputTaken,
): Promise<void> {
  const needs = (await store.get(supervisions, activityId))?.needs ?? [];
  if (needs.some((need) => 'sizeBytes' in need && need.hash === hash)) return;
  await exeUnits.dropOutput(activityId, hash).catch((error: unknown) => {
    // Removed already, with all of its work directory.
    if (!isErgonError(error, 'ERR_EXE_UNIT_NOT_FOUND')) throw error;
  });
}
