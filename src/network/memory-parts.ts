import type { BlobServer, BlobStream, PeerInfo, PeerStream, Sender } from '../interface/network.ts';
import type { JsonValue } from '../interface/store.ts';
import type { Answer } from './answer.ts';
import type { Fault, MemoryMessage } from './faults.ts';

/** A node as its connections see it. */
export interface LinkEnd {
  readonly peerId: string;
  readonly address: string;
  readonly blobServer: BlobServer | undefined;
  speaks(protocol: string): boolean;
  /** Takes the other end of a stream; false when it has no such protocol. */
  accept(protocol: string, stream: PeerStream, sender: Sender): boolean;
  answer(
    protocol: string,
    kind: string,
    body: JsonValue,
    sender: Sender,
    signal: AbortSignal,
  ): Promise<Answer>;
}

/** A connection as its nodes see it. */
export interface LinkCarrier {
  carry(from: LinkEnd, protocol: string, kind: string, body: JsonValue): Promise<Answer>;
  openStream(from: LinkEnd, protocol: string): PeerStream;
  carryBlob(
    from: LinkEnd,
    hash: string,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<BlobStream>;
}

/** The hub as its connections see it. */
export interface LinkHub {
  faultOf(message: MemoryMessage): Fault | undefined;
  /** Counts the work as under way until it settles. */
  track<T>(work: Promise<T>): Promise<T>;
  disconnect(a: string, b: string): void;
}

/** The hub as its nodes see it. */
export interface NodeHub<Node> {
  nodeStarted(node: Node): void;
  nodeStopped(node: Node): void;
  /** Throws ERR_NETWORK_UNREACHABLE. */
  link(from: Node, peerId: string): LinkCarrier;
  peersOf(node: Node): PeerInfo[];
  disconnect(a: string, b: string): void;
  gossip(from: Node, topic: string, bytes: Uint8Array): void;
}
