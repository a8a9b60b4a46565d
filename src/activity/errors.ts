import type { ActivityRecord } from '../interface/activity.ts';
import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type ActivityErrorCode =
  | 'ERR_ACTIVITY_BUSY'
  | 'ERR_ACTIVITY_ILLEGAL_COMMAND'
  | 'ERR_ACTIVITY_NOTHING_PENDING'
  | 'ERR_ACTIVITY_NOT_FOUND'
  | 'ERR_ACTIVITY_ID_CONFLICT'
  | 'ERR_ACTIVITY_HELD'
  | 'ERR_ACTIVITY_SUSPEND_UNSUPPORTED'
  | 'ERR_ACTIVITY_AGREEMENT_NOT_FOUND'
  | 'ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE'
  | 'ERR_ACTIVITY_AGREEMENT_BUSY'
  | 'ERR_ACTIVITY_PACKAGE_TOO_LARGE'
  | 'ERR_ACTIVITY_BOOKS_FULL'
  | 'ERR_ACTIVITY_ENDED'
  | 'ERR_ACTIVITY_BATCH_NOT_FOUND'
  | 'ERR_ACTIVITY_LOG_GONE'
  | 'ERR_ACTIVITY_REFUSED'
  | 'ERR_ACTIVITY_UNREACHABLE'
  | 'ERR_ACTIVITY_UPDATE_INVALID'
  | 'ERR_ACTIVITY_SLOTS_FULL'
  | 'ERR_ACTIVITY_SLOTS_CONFLICT'
  | 'ERR_ACTIVITY_STOPPED';

/** A refusal of the activity area; nothing was changed. */
export class ActivityError extends ErgonError<ActivityErrorCode> {}

export function batchNotFound(activityId: string, batchId: string): ActivityError {
  const message = `Activity ${activityId} has no batch ${batchId}, or its provider refused it`;
  return new ActivityError('ERR_ACTIVITY_BATCH_NOT_FOUND', message, { activityId, batchId });
}

export function logGone(activityId: string): ActivityError {
  return new ActivityError('ERR_ACTIVITY_LOG_GONE', `The logs of activity ${activityId} were removed`, {
    activityId,
  });
}

/** ERR_ACTIVITY_ENDED, of an activity whose record says so. */
export function hasEnded({ activityId, state }: Pick<ActivityRecord, 'activityId' | 'state'>): ActivityError {
  return new ActivityError('ERR_ACTIVITY_ENDED', `Activity ${activityId} is ${state}`, { activityId, state });
}

export const activityErrors: ErrorCatalogue<ActivityErrorCode> = {
  ERR_ACTIVITY_BUSY: {
    meaning: 'Another command of the activity is still in progress.',
    remedy: 'Wait until it has finished, then send the command again.',
  },
  ERR_ACTIVITY_ILLEGAL_COMMAND: {
    meaning: 'The command does not exist in the state that the activity is in.',
    remedy: 'Look at the state; deploy comes before start, start before run, and nothing comes after an end.',
  },
  ERR_ACTIVITY_NOTHING_PENDING: {
    meaning: 'A command was to be committed or rolled back, but none is in progress.',
    remedy: 'This is a fault of the program; please report it with the log.',
  },
  ERR_ACTIVITY_NOT_FOUND: {
    meaning: 'There is no such activity, or it belongs to somebody else; the two are not told apart.',
    remedy: 'Check the activity id, and that this node is the requestor of its agreement.',
  },
  ERR_ACTIVITY_ID_CONFLICT: {
    meaning: 'The id is in use for something else: ids may be repeated only with the same content.',
    remedy: 'Make a new id, or repeat exactly what was sent first.',
  },
  ERR_ACTIVITY_HELD: {
    meaning: 'The activity is suspended by somebody else: the other party, or the whole node.',
    remedy: '`holds` of the activity says who; only they can let it go on.',
  },
  ERR_ACTIVITY_SUSPEND_UNSUPPORTED: {
    meaning: "The provider's runtime cannot freeze what it runs.",
    remedy: 'Let it run, or end it; choose an offer with another runtime next time.',
  },
  ERR_ACTIVITY_AGREEMENT_NOT_FOUND: {
    meaning: 'There is no such agreement between the two nodes in these roles.',
    remedy: 'Check the agreement id.',
  },
  ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE: {
    meaning: 'The agreement is not approved yet, or it has ended or expired.',
    remedy: 'Make a new agreement.',
  },
  ERR_ACTIVITY_AGREEMENT_BUSY: {
    meaning: "Another activity is using the agreement's resources; one at a time can.",
    remedy: 'End the other activity first, or make another agreement.',
  },
  ERR_ACTIVITY_PACKAGE_TOO_LARGE: {
    meaning: "The task package is larger than the agreement's storage and the provider's allowance together.",
    remedy: 'Agree on more storage.',
  },
  ERR_ACTIVITY_BOOKS_FULL: {
    meaning:
      "The scripts and captures of the activity take as much of the provider's books as those of one may.",
    remedy: 'Go on with a new activity; leave `capture` out, and read the log instead.',
  },
  ERR_ACTIVITY_ENDED: {
    meaning: 'The activity has ended, or is about to.',
    remedy: 'Read its reason; make a new activity to go on.',
  },
  ERR_ACTIVITY_BATCH_NOT_FOUND: {
    meaning: 'The activity has no such batch, or the provider refused it.',
    remedy: 'Check the batch id; hand the script over again if it was refused.',
  },
  ERR_ACTIVITY_LOG_GONE: {
    meaning:
      "The activity's work directory was removed after its retention time, and its logs with it; or the requestor's copies of them were, `retention.days` after all was paid.",
    remedy: 'Read the log in time; the requestor keeps its own copy for longer.',
  },
  ERR_ACTIVITY_REFUSED: {
    meaning: "The provider refused, in its own words; `detail` holds the provider's code.",
    remedy: 'Look the inner code up in this list.',
  },
  ERR_ACTIVITY_UNREACHABLE: {
    meaning: 'The provider did not answer in time. It may have done what was asked all the same.',
    remedy: 'Repeat it with the same ids: nothing is done twice.',
  },
  ERR_ACTIVITY_UPDATE_INVALID: {
    meaning: 'A provider reported what cannot be: usage that falls, results out of order, an unknown batch.',
    remedy: 'The report was not taken; end the agreement if the provider goes on.',
  },
  ERR_ACTIVITY_SLOTS_FULL: {
    meaning: 'The resources do not fit into what is free on this node.',
    remedy:
      'Wait for an agreement to end, ask for less, or raise what the provider sells (`provider.hardware`).',
  },
  ERR_ACTIVITY_SLOTS_CONFLICT: {
    meaning: 'The agreement holds other resources already.',
    remedy: 'This is a fault of the program; please report it with the log.',
  },
  ERR_ACTIVITY_STOPPED: {
    meaning: 'The node is stopping.',
    remedy: 'Repeat it with the same ids once the node runs again.',
  },
};
