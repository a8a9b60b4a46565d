import type { ActivityRecord, Sender } from '../../interface/index.ts';
import { ActivityError } from '../errors.ts';

/**
 * The record, if the sender is the requestor of its agreement. Whose it is else is not told.
 * @throws ActivityError ERR_ACTIVITY_NOT_FOUND
 */
export function owned(
  activityId: string,
  record: ActivityRecord | undefined,
  sender: Sender,
): ActivityRecord {
  if (record?.role === 'provider' && record.address === sender.address) return record;
  throw notFound(activityId, `of ${sender.address}`);
}

/** The record, if it runs on this node. @throws ActivityError ERR_ACTIVITY_NOT_FOUND */
export function ownedHere(activityId: string, record: ActivityRecord | undefined): ActivityRecord {
  if (record?.role === 'provider') return record;
  throw notFound(activityId, 'on this node');
}

function notFound(activityId: string, where: string): ActivityError {
  return new ActivityError('ERR_ACTIVITY_NOT_FOUND', `There is no activity ${activityId} ${where}`, {
    activityId,
  });
}
