import type { Duplex } from 'node:stream';
import { Type, type Static } from 'typebox';
import type { PeerStream } from './network.ts';

const closed = { additionalProperties: false } as const;

/** The shape of an IPv4 address or mask; whether it is one is checked where it is used. */
export const Ipv4 = Type.String({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,3}){3}$' });
/** An Ethereum address in either case, as clients write it. */
export const NodeId = Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' });
/** Made by the requestor's node. */
export const NetworkId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });

/** Addresses of one network. */
export const MAX_NETWORK_NODES = 256;
/** Bounds of a network's prefix: 30 bits leave two hosts, and no private range is larger than one of 8 bits. */
export const MIN_NETWORK_PREFIX = 8;
export const MAX_NETWORK_PREFIX = 30;
/** Networks of one activity. */
export const MAX_ACTIVITY_NETWORKS = 4;

/** A network as the `deploy` of an activity names it: what it is, and the activity's own place in it. */
export const DeployNetwork = Type.Object(
  {
    id: NetworkId,
    /** Any address of the network. */
    ip: Ipv4,
    mask: Ipv4,
    gateway: Type.Optional(Ipv4),
    /** Who has which address, when this was written; what holds now is asked of the requestor. */
    nodes: Type.Record(Type.String({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,3}){3}$' }), NodeId, {
      maxProperties: MAX_NETWORK_NODES,
      ...closed,
    }),
    nodeIp: Ipv4,
  },
  closed,
);
export type DeployNetwork = Static<typeof DeployNetwork>;

/** Names that the activity finds in its /etc/hosts. */
export const Hosts = Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$' }), Ipv4, {
  maxProperties: MAX_NETWORK_NODES,
  ...closed,
});
export type Hosts = Static<typeof Hosts>;

/** What a supervisor's machine gives its daemon of an activity's networks. */
export interface ActivityNetworks {
  /** The networks that the activity was deployed with; none when it has none, or is no more. */
  networks(activityId: string): Promise<readonly DeployNetwork[]>;
  /**
   * The packets of one of them: each way, frames of a 16-bit length (big-endian) and an IP packet of at most 8192 bytes.
   * Rejects while the activity has not started.
   */
  openPackets(activityId: string, index: number): Promise<Duplex>;
  /**
   * A TCP connection to a port of the activity, made from within it, that can be half closed.
   * @throws ExeUnitError ERR_EXE_UNIT_CONNECT_FAILED with `detail.error`, e.g. ECONNREFUSED
   */
  openConnection(activityId: string, index: number, ip: string, port: number): Promise<Duplex>;
}

/** One network as its requestor's books hold it. */
export interface NetworkInfo {
  readonly id: string;
  /** Its first address. */
  readonly ip: string;
  readonly mask: string;
  readonly gateway?: string;
}

/** A member of a virtual network. */
export interface NetworkNode {
  /** An Ethereum address in lower case. */
  readonly id: string;
  readonly ip: string;
}

/** Where a provider that this node has an agreement with can be reached. */
export interface NetworkPeer {
  readonly peerId: string;
  readonly multiaddrs: readonly string[];
}

/** A TCP connection through a virtual network. */
export interface NetworkConnection {
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
}

/** A requestor's networks. All that changes them is durable when it resolves. Throws VpnError. */
export interface Networks {
  list(): Promise<NetworkInfo[]>;
  /** @throws VpnError ERR_VPN_NOT_FOUND */
  get(networkId: string): Promise<NetworkInfo>;
  /** @throws VpnError ERR_VPN_INVALID, ERR_VPN_LIMIT */
  create(wanted: { ip: string; mask?: string; gateway?: string }): Promise<NetworkInfo>;
  remove(networkId: string): Promise<void>;
  nodes(networkId: string): Promise<readonly NetworkNode[]>;
  /** Idempotent. @throws VpnError ERR_VPN_ADDRESS_TAKEN */
  addNode(networkId: string, node: NetworkNode): Promise<void>;
  /** All addresses of the node. */
  removeNode(networkId: string, nodeId: string): Promise<void>;
  /** Connections from this node, in the order of their making. */
  connections(networkId: string): readonly NetworkConnection[];
  /**
   * A TCP connection to a node, made from within its activity; each side ends its own.
   * @throws VpnError ERR_VPN_NO_ROUTE, ERR_VPN_CONNECT_FAILED, ERR_VPN_LIMIT
   */
  connect(networkId: string, ip: string, port: number, signal?: AbortSignal): Promise<PeerStream>;
}
