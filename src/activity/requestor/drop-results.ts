import type { Transaction } from '../../interface/index.ts';
import { remotes } from '../records.ts';

/** Notes that nobody wants the logs and outputs of an activity any more. How it went, which was paid for, stays. */
export async function dropResults(tx: Transaction, activityId: string): Promise<void> {
  const remote = await tx.get(remotes, activityId);
  if (remote !== undefined) tx.put(remotes, activityId, { ...remote, resultsDropped: true });
}
