import type { Clock, CommandResult, RequestorActivities } from '../interface/index.ts';
import { delay } from '../util/delay.ts';

/** For output that a provider has reported and not sent yet: one that has vanished leaves it short. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;

/** A command is over when its streams are: waits until what it wrote is in the copies of this node. */
export async function untilOutputIsHere(
  { activities, clock }: { readonly activities: Pick<RequestorActivities, 'readLog'>; readonly clock: Clock },
  activityId: string,
  result: CommandResult | undefined,
  signal: AbortSignal,
): Promise<void> {
  const giveUpAt = clock.now() + PATIENCE_MS;
  for (const stream of ['stdout', 'stderr'] as const) {
    const end = result?.[stream]?.end ?? 0;
    while (end > 0) {
      const here = await activities.readLog(activityId, stream, end, 0);
      if (here.end >= end || here.final || clock.now() >= giveUpAt) break;
      await delay(clock, LOOK_MS, signal);
    }
  }
}
