import { Type, type Static } from 'typebox';
import { Ipv4, MAX_NETWORK_NODES, NetworkId, NodeId, Timestamp, type Bucket } from '../interface/index.ts';
import { checker } from '../util/check.ts';

const closed = { additionalProperties: false } as const;

/** A network of this node's, as its clients have made it. */
const NetworkRecord = Type.Object(
  {
    id: NetworkId,
    ip: Ipv4,
    mask: Ipv4,
    gateway: Type.Optional(Ipv4),
    nodes: Type.Array(Type.Object({ id: NodeId, ip: Ipv4 }, closed), { maxItems: MAX_NETWORK_NODES }),
    createdAt: Timestamp,
  },
  closed,
);
export type NetworkRecord = Static<typeof NetworkRecord>;

export const networkBucket: Bucket<NetworkRecord> = {
  name: 'vpn-networks',
  check: checker(NetworkRecord, 'network'),
};
