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
  const message = `There is no activity ${activityId} of ${sender.address}`;
  throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', message, { activityId });
}
