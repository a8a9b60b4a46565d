import { Type, type Static } from 'typebox';
import { Address, Bytes, Multiaddr, PeerId, Resources, Timestamp } from '../../interface/index.ts';
import { closed } from './common.ts';

/** What the node says of itself. */
export const NodeInfo = Type.Object(
  {
    peerId: PeerId,
    address: Address,
    multiaddrs: Type.Array(Multiaddr),
    version: Type.String(),
    startedAt: Timestamp,
    /** Whether it sells, and what of it is free. */
    provider: Type.Optional(
      Type.Object(
        {
          runtimes: Type.Array(Type.String(), { description: 'What is on offer now' }),
          total: Resources,
          free: Type.Object({
            cpuThreads: Type.Integer(),
            memoryBytes: Type.Integer(),
            storageBytes: Type.Integer(),
          }),
        },
        closed,
      ),
    ),
    /** Payment platforms, with what is needed to show an amount in tokens. */
    platforms: Type.Array(
      Type.Object(
        {
          platform: Type.String(),
          symbol: Type.String(),
          decimals: Type.Integer({ minimum: 0, maximum: 36 }),
        },
        closed,
      ),
    ),
    lastEventSeq: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type NodeInfo = Static<typeof NodeInfo>;

/** The same with what its files take. */
export const NodeView = Type.Object(
  {
    ...NodeInfo.properties,
    blobs: Type.Object(
      {
        bytes: Bytes,
        count: Type.Integer({ minimum: 0 }),
        cachedBytes: Type.Integer({
          minimum: 0,
          description: 'What of it was fetched for activities that this node sells, and goes by itself',
        }),
      },
      { ...closed, description: 'Packages, inputs and outputs on disk' },
    ),
  },
  closed,
);

export const PeerView = Type.Object(
  {
    peerId: PeerId,
    address: Address,
    multiaddrs: Type.Array(Multiaddr),
    direction: Type.Union([Type.Literal('inbound'), Type.Literal('outbound')]),
    connectedAt: Timestamp,
  },
  closed,
);
