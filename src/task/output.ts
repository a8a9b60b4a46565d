import type { CommandResult, RequestorActivities } from '../interface/index.ts';

/** A command is over when its streams are: waits until what it wrote is in the copies of this node. */
export async function untilOutputIsHere(
  activities: Pick<RequestorActivities, 'waitLog'>,
  activityId: string,
  result: CommandResult | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const end = result?.[stream]?.end ?? 0;
    if (end > 0) await activities.waitLog(activityId, stream, end, signal);
  }
}
