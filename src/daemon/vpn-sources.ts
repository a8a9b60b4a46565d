import { activities } from '../activity/index.ts';
import type { ActivityNetworks, NetworkPeer, Reader } from '../interface/index.ts';
import { agreementBucket, type Market } from '../market/index.ts';
import type { SoldActivities } from '../vpn/index.ts';

/** Where a provider with an approved agreement can be reached, as its newest offer says. */
export async function providerOf(
  reader: Reader,
  { offers }: Pick<Market, 'offers'>,
  address: string,
): Promise<NetworkPeer | undefined> {
  const approved = await reader.list(agreementBucket, {
    where: { index: 'roleState', equals: 'requestor:Approved' },
  });
  const found = approved.find(
    ({ value }) => value.agreement.provider.toLowerCase() === address.toLowerCase(),
  );
  if (found === undefined) return undefined;
  const { peerId, multiaddrs } = found.value.agreement.offer;
  return {
    peerId,
    multiaddrs: offers.known().find((offer) => offer.peerId === peerId)?.multiaddrs ?? multiaddrs,
  };
}

/** What this node sells, as its networks see it. */
export function soldActivities(reader: Reader, networks: ActivityNetworks): SoldActivities {
  const live = { index: 'live', equals: 'provider' };
  return {
    networks,
    live: async () => (await reader.list(activities, { where: live })).map(({ id }) => id),
    async requestorOf(activityId) {
      const record = await reader.get(activities, activityId);
      const isLive =
        record?.role === 'provider' && record.state !== 'Completed' && record.state !== 'Terminated';
      return isLive ? { peerId: record.peerId, address: record.address } : undefined;
    },
  };
}
