import type { JsonValue } from './store.ts';
import type { Startable } from './startable.ts';

/** Who sent a message, as Noise proved it. */
export interface Sender {
  /** libp2p PeerId, base58. */
  readonly peerId: string;
  /** The Ethereum address of the same key, EIP-55 checksummed. */
  readonly address: string;
}

/**
 * One request kind of a protocol. `check` parses the body before anything else sees it, and throws when it is no `Req`;
 * `handle` answers, or throws an ErgonError whose code, message and detail travel back to the caller.
 */
export interface RequestHandler<Req = unknown> {
  readonly check: (body: unknown) => Req;
  readonly handle: (request: Req, sender: Sender, signal: AbortSignal) => Promise<JsonValue>;
}

/** `/ergon/<area>/<version>` with its request kinds. */
export interface Protocol {
  readonly id: string;
  readonly requests: Readonly<Record<string, RequestHandler<never>>>;
}

/** How a peer is asked. */
export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Dial these when the peer is not connected. */
  readonly multiaddrs?: readonly string[];
}

/** A peer that is connected. */
export interface PeerInfo {
  readonly peerId: string;
  readonly address: string;
  readonly multiaddrs: readonly string[];
  readonly direction: 'inbound' | 'outbound';
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
}

/** Blobs are verified in pieces of this size; the last one may be shorter. */
export const BLOB_CHUNK_BYTES = 1024 * 1024;

/** What is known of a blob before its bytes. */
export interface BlobHead {
  readonly sizeBytes: number;
  /** The sha256 of each chunk, 64 hex digits, in their order. */
  readonly chunks: readonly string[];
}

/** A blob that is being sent: what it is to be, then its bytes. */
export interface BlobStream extends BlobHead {
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Serves byte ranges of content-addressed blobs to peers. */
export interface BlobServer {
  /**
   * The blob's size, its chunk hashes and a reader of its bytes from `offset`, or undefined when there is none *or* this peer may
   * not have it: the two are not told apart.
   */
  open(hash: string, sender: Sender, offset: number): Promise<BlobStream | undefined>;
}

/** One end of bytes that go both ways between two nodes, in order, until either breaks it or both have ended. */
export interface PeerStream {
  /** What the peer sends; ends when it has ended its side, throws when the stream broke. To be read once. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Sends, and resolves when more may be sent; rejects when the stream is broken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more comes from this side. */
  end(): Promise<void>;
  /** Breaks both sides at once. */
  abort(error: Error): void;
  /** Resolves when the stream is over, however. */
  readonly closed: Promise<void>;
}

/** Direct streams, for what is no request. */
export interface PeerStreams {
  /** Registers before start. `accept` resolves when it is done with the stream, which then ends; if it rejects, the stream breaks. */
  handleStreams(
    protocol: string,
    accept: (stream: PeerStream, sender: Sender) => Promise<void>,
    options: { readonly maxPerPeer: number },
  ): void;
  /** Rejects with NetworkError ERR_NETWORK_UNREACHABLE, ERR_NETWORK_TIMEOUT, ERR_NETWORK_PROTOCOL. */
  openStream(peerId: string, protocol: string, options?: RequestOptions): Promise<PeerStream>;
}

/** This node among its peers. All requests are encrypted, and their senders known. */
export interface Network extends Startable, PeerStreams {
  readonly peerId: string;
  readonly address: string;
  multiaddrs(): readonly string[];
  peers(): readonly PeerInfo[];
  /** Registers before start; one handler per protocol id. */
  handle(protocol: Protocol): void;
  serveBlobs(server: BlobServer): void;
  /**
   * One request, one answer. A request whose connection breaks may be sent once more, so handlers are idempotent by the
   * ids in the body. Rejects with NetworkError: ERR_NETWORK_UNREACHABLE, ERR_NETWORK_TIMEOUT,
   * ERR_NETWORK_PROTOCOL (the peer broke the protocol), or ERR_NETWORK_REMOTE with `detail.code` when the peer's
   * handler threw.
   */
  request(
    peerId: string,
    protocol: string,
    kind: string,
    body: JsonValue,
    options?: RequestOptions,
  ): Promise<JsonValue>;
  /**
   * Streams a blob from `offset`. There are as many chunk hashes as the size has chunks; the caller verifies the bytes
   * by them, and the whole by its own hash.
   */
  fetchBlob(peerId: string, hash: string, offset: number, options?: RequestOptions): Promise<BlobStream>;
  /** Gossip: small signed announcements only. `check` throws to drop a message and to stop its spread. */
  announce(topic: string, body: JsonValue): Promise<void>;
  onAnnouncement(topic: string, receive: (body: unknown) => Promise<void>): void;
  /** Breaks the connections with these peers, with all that is under way on them. Whether they may come back is the gater's matter. */
  disconnect(isUnwanted: (peer: Sender) => boolean): void;
  /** Called when a peer connects (after identify). */
  onPeer(listener: (peer: PeerInfo) => void): () => void;
}
