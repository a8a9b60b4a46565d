import type { ActivityOutputs } from '../api/index.ts';
import { activities, type ActivityRequestor } from '../activity/index.ts';
import { agreementBucket } from '../market/index.ts';
import type { Infrastructure } from './services.ts';

/** Files that activities elsewhere have put out, brought here from the provider whose agreement it is. */
export function activityOutputs(
  { store, fetcher }: Pick<Infrastructure, 'store' | 'fetcher'>,
  requestor: Pick<ActivityRequestor, 'outputTaken'>,
): ActivityOutputs {
  return {
    async bring(activityId, { hash, sizeBytes }, signal) {
      const record = await store.get(activities, activityId);
      const agreement = record && (await store.get(agreementBucket, record.agreementId));
      if (agreement === undefined) return;
      const { peerId, multiaddrs } = agreement.agreement.offer;
      await fetcher.fetch(peerId, hash, { multiaddrs, maxBytes: sizeBytes, signal });
      await requestor.outputTaken(activityId, hash);
    },
  };
}
