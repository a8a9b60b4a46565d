import type { Sender } from '../../interface/network.ts';

/** What peers may ask of this node. */
export interface NetworkLimits {
  readonly maxConnections: number;
  /** New inbound connections a second from one host. */
  readonly inboundConnectionThreshold: number;
  /** One request or answer. */
  readonly maxMessageBytes: number;
  /** One gossiped announcement. */
  readonly maxAnnouncementBytes: number;
  /** Requests under way with one peer in one protocol, each way; more wait their turn. */
  readonly maxConcurrentRequests: number;
  /** Blobs that one peer fetches at once. */
  readonly maxBlobStreams: number;
  /** What may wait to be sent on one stream before it is reset. */
  readonly maxWriteBufferBytes: number;
  readonly requestTimeoutMs: number;
}

export const DEFAULT_LIMITS: NetworkLimits = {
  maxConnections: 300,
  inboundConnectionThreshold: 20,
  maxMessageBytes: 1024 * 1024,
  maxAnnouncementBytes: 64 * 1024,
  maxConcurrentRequests: 128,
  maxBlobStreams: 16,
  maxWriteBufferBytes: 8 * 1024 * 1024,
  requestTimeoutMs: 30_000,
};

export interface Libp2pInit {
  /** 32 bytes secp256k1: `libp2pPrivateKeyRaw(wallet)` of src/identity. */
  readonly privateKeyRaw: Uint8Array;
  /** Multiaddrs to listen on, e.g. `/ip4/0.0.0.0/tcp/4510`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Tell peers these addresses instead of the ones listened on. */
  readonly announce?: readonly string[];
  /** Multiaddrs of peers to stay connected with; `/p2p/<PeerId>` at the end is optional but safer. */
  readonly bootstrap?: readonly string[];
  /** Find peers on the local network. Default off. */
  readonly mdns?: { readonly port?: number; readonly serviceTag?: string };
  readonly limits?: Partial<NetworkLimits>;
  /** Peers to have no connection with. */
  readonly isDenied?: (peer: Sender) => boolean;
  /** The version of this program, which peers see. */
  readonly version?: string;
}
