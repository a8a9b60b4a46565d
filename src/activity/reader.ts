import type {
  ActivityRecord,
  ListOptions,
  LogSlice,
  LogStream,
  Reader,
  UsageSource,
} from '../interface/index.ts';
import { ActivityError } from './errors.ts';
import { activities, usageSamples, usageSampleKey } from './records.ts';

type ReadLog = (activityId: string, stream: LogStream, offset: number, maxBytes: number) => Promise<LogSlice>;

export interface ActivityBooksComponents {
  readonly store: Reader;
  /** Absent on a node that only buys. */
  readonly provider?: { readonly readLog: ReadLog };
  readonly requestor: { readonly readLog: ReadLog };
}

/** A node's activities of both roles, as the API and the CLI show them. */
export interface ActivityBooks {
  get(activityId: string): Promise<ActivityRecord | undefined>;
  /** `where` may name the indexes `agreementId`, `role` and `live`. */
  list(options?: ListOptions): Promise<ActivityRecord[]>;
  /** @throws ActivityError ERR_ACTIVITY_NOT_FOUND, ERR_ACTIVITY_LOG_GONE */
  activityLogs(activityId: string, stream: LogStream, offset: number, maxBytes: number): Promise<LogSlice>;
}

/** The records that bills are made of and checked against. */
export const usageSource: UsageSource = {
  activity: (reader, activityId) => reader.get(activities, activityId),
  async activitiesOf(reader, agreementId) {
    const found = await reader.list(activities, { where: { index: 'agreementId', equals: agreementId } });
    return found.map(({ value }) => value);
  },
  async samples(reader, activityId, fromSequence, toSequence) {
    const count = toSequence - fromSequence + 1;
    if (count <= 0) return [];
    const found = await reader.list(usageSamples, {
      where: { index: 'activityId', equals: activityId },
      after: usageSampleKey(activityId, fromSequence - 1),
      limit: count,
    });
    return found.map(({ value }) => value.sample).filter(({ sequence }) => sequence <= toSequence);
  },
};

/** The activities of this node in both roles, to be read by whoever serves them to others. */
export function activityBooks({ store, provider, requestor }: ActivityBooksComponents): ActivityBooks {
  return {
    get: (activityId) => store.get(activities, activityId),
    list: async (options) => (await store.list(activities, options)).map(({ value }) => value),
    async activityLogs(activityId, stream, offset, maxBytes) {
      const record = await store.get(activities, activityId);
      const side = record?.role === 'provider' ? provider : requestor;
      if (record === undefined || side === undefined) {
        throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', `There is no activity ${activityId}`, {
          activityId,
        });
      }
      return side.readLog(activityId, stream, offset, maxBytes);
    },
  };
}
