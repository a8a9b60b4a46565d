import type { ActivityRecord } from '../interface/index.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { ActivityError } from './errors.ts';
import type { CreateRequest } from './messages.ts';

/**
 * The activity that stands under the id of a repeated create, if it was made with the same content by the same party.
 * @throws ActivityError ERR_ACTIVITY_ID_CONFLICT
 */
export function sameActivity(
  held: ActivityRecord,
  request: CreateRequest,
  party: Pick<ActivityRecord, 'role' | 'address'>,
): ActivityRecord {
  const mine = held.role === party.role && held.address === party.address;
  if (mine && contentOf(held) === contentOf(request)) return held;
  const message = `Activity ${held.activityId} was made with other content`;
  throw new ActivityError('ERR_ACTIVITY_ID_CONFLICT', message, { activityId: held.activityId });
}

function contentOf({ agreementId, package: taskPackage, limits }: CreateRequest | ActivityRecord): string {
  return canonicalJson({ agreementId, package: taskPackage ?? null, limits });
}
