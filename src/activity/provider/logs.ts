import { isErgonError, type LogSlice, type LogStream } from '../../interface/index.ts';
import { ActivityError, logGone } from '../errors.ts';
import { isFinal } from '../machine.ts';
import { activities, supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';

/** How many bytes each stream of an activity has so far. */
export interface LogSizes {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** How far the logs have grown by now. */
export async function logSizes(
  { exeUnits }: Pick<ProviderContext, 'exeUnits'>,
  activityId: string,
): Promise<LogSizes> {
  // Whether it has ended is of no interest here, so its journal need not be asked.
  const [stdout, stderr] = await Promise.all([
    exeUnits.readLog(activityId, 'stdout', 0, 0, true),
    exeUnits.readLog(activityId, 'stderr', 0, 0, true),
  ]);
  return { stdoutBytes: stdout.end, stderrBytes: stderr.end };
}

/** @throws ActivityError ERR_ACTIVITY_NOT_FOUND, ERR_ACTIVITY_LOG_GONE */
export async function readProviderLog(
  { exeUnits, store }: Pick<ProviderContext, 'exeUnits' | 'store'>,
  activityId: string,
  stream: LogStream,
  offset: number,
  maxBytes: number,
): Promise<LogSlice> {
  // Asked before the log is: what is written in between is then not called final. And of an activity whose journal
  // never came to an end, or is not to be read, only the books say that it has ended.
  const record = await store.get(activities, activityId);
  if (record === undefined) {
    throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', `There is no activity ${activityId}`, { activityId });
  }
  const supervision = await store.get(supervisions, activityId);
  if (supervision?.disposed !== false) throw logGone(activityId);
  const ended = isFinal(record.state);
  return exeUnits.readLog(activityId, stream, offset, maxBytes, ended).catch((error: unknown) => {
    // Its work directory was deleted under it.
    throw ended && isErgonError(error, 'ERR_EXE_UNIT_NOT_FOUND') ? logGone(activityId) : error;
  });
}
