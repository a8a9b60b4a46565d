import { Type, type Static } from 'typebox';
import { Ipv4, MAX_NETWORK_NODES, Multiaddr, NetworkId, NodeId, PeerId } from '../interface/index.ts';
import { checker } from '../util/check.ts';

const closed = { additionalProperties: false } as const;

/** A member asks its requestor who is in the network. */
export const VPN_PROTOCOL = '/ergon/vpn/1';
/** From member to member: a header, then packets, both as frames. One way. */
export const PACKETS_PROTOCOL = '/ergon/vpn-packets/1';
/** From the requestor to a member: a header and its answer as frames, then bytes both ways. */
export const CONNECT_PROTOCOL = '/ergon/vpn-connect/1';

const Tag = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Answered when the table is another one than `known`, or after a while. */
const TableRequest = Type.Object({ networkId: NetworkId, known: Type.Optional(Tag) }, closed);
export const checkTableRequest = checker(TableRequest, 'request for the nodes of a network');

const TableNode = Type.Object(
  { ip: Ipv4, address: NodeId, peerId: PeerId, multiaddrs: Type.Array(Multiaddr, { maxItems: 16 }) },
  closed,
);
export type TableNode = Static<typeof TableNode>;

/** Who has which address, and how to reach them. `tag` changes with it. */
const Table = Type.Object(
  { tag: Tag, nodes: Type.Array(TableNode, { maxItems: MAX_NETWORK_NODES }) },
  closed,
);
export type Table = Static<typeof Table>;
export const checkTable: (value: unknown) => Table = checker(Table, 'nodes of a network');

/** `owner` is the requestor whose network it is: ids are each requestor's own. */
const PacketsHeader = Type.Object({ networkId: NetworkId, owner: NodeId }, closed);
export type PacketsHeader = Static<typeof PacketsHeader>;
export const checkPacketsHeader = checker(PacketsHeader, 'header of packets');

const ConnectHeader = Type.Object(
  { networkId: NetworkId, ip: Ipv4, port: Type.Integer({ minimum: 1, maximum: 65_535 }) },
  closed,
);
export type ConnectHeader = Static<typeof ConnectHeader>;
export const checkConnectHeader = checker(ConnectHeader, 'header of a connection');

const ConnectAnswer = Type.Object({ error: Type.Optional(Type.String({ maxLength: 256 })) }, closed);
export const checkConnectAnswer = checker(ConnectAnswer, 'answer to a connection');

export function encodeJson(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
export function decodeJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString());
}

/** Addresses of nodes come in either case. */
export function sameNode(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
