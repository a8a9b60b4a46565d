import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type ActivityErrorCode =
  'ERR_ACTIVITY_BUSY' | 'ERR_ACTIVITY_ILLEGAL_COMMAND' | 'ERR_ACTIVITY_NOTHING_PENDING';

/** A refusal of the activity area; nothing was changed. */
export class ActivityError extends ErgonError<ActivityErrorCode> {}

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
};
