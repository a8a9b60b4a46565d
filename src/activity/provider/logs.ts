import type { LogSlice, LogStream } from '../../interface/index.ts';
import { ActivityError } from '../errors.ts';
import { supervisions } from '../records.ts';
import type { ProviderContext } from './context.ts';

export interface LogSizes {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** How far the logs have grown by now. */
export async function logSizes(
  { exeUnits }: Pick<ProviderContext, 'exeUnits'>,
  activityId: string,
): Promise<LogSizes> {
  const [stdout, stderr] = await Promise.all([
    exeUnits.readLog(activityId, 'stdout', 0, 1),
    exeUnits.readLog(activityId, 'stderr', 0, 1),
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
  const supervision = await store.get(supervisions, activityId);
  if (supervision === undefined) {
    throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', `There is no activity ${activityId}`, { activityId });
  }
  if (supervision.disposed) {
    throw new ActivityError('ERR_ACTIVITY_LOG_GONE', `The logs of activity ${activityId} were removed`, {
      activityId,
    });
  }
  return exeUnits.readLog(activityId, stream, offset, maxBytes);
}
