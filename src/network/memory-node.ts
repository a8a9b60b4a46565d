import type {
  BlobServer,
  BlobStream,
  Network,
  PeerInfo,
  PeerStream,
  Protocol,
  RequestOptions,
  Sender,
} from '../interface/network.ts';
import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { JsonValue } from '../interface/store.ts';
import { valueOf, wireError, type Answer } from './answer.ts';
import { deadline, REQUEST_TIMEOUT_MS } from './deadline.ts';
import { NetworkError } from './errors.ts';
import { Handlers } from './handlers.ts';
import { PeerListeners } from './listeners.ts';
import type { LinkCarrier, LinkEnd, NodeHub } from './memory-parts.ts';
import { decodeMessage, encodeMessage, MAX_ANNOUNCEMENT_BYTES, MAX_MESSAGE_BYTES } from './message.ts';

export interface MemoryNodeInit {
  readonly address: string;
  readonly peerId: string;
}

type Accept = (stream: PeerStream, sender: Sender) => Promise<void>;
type Receive = (body: unknown) => Promise<void>;

/** One node of a memory network. */
export class MemoryNode implements Network, LinkEnd {
  readonly peerId: string;
  readonly address: string;
  readonly handlers: Handlers;
  readonly peerListeners: PeerListeners;
  blobServer: BlobServer | undefined;
  running = false;
  readonly #hub: NodeHub<MemoryNode>;
  readonly #clock: Clock;
  readonly #acceptors = new Map<string, Accept>();
  readonly #receivers = new Map<string, Receive[]>();

  constructor(
    init: MemoryNodeInit,
    components: { hub: NodeHub<MemoryNode>; clock: Clock; logger?: Logger | undefined },
  ) {
    this.peerId = init.peerId;
    this.address = init.address;
    this.#hub = components.hub;
    this.#clock = components.clock;
    this.handlers = new Handlers(components);
    this.peerListeners = new PeerListeners(components);
  }

  async start(): Promise<void> {
    if (this.running) return;
    this.running = true;
    this.#hub.nodeStarted(this);
  }

  async stop(): Promise<void> {
    if (this.running) {
      this.running = false;
      this.#hub.nodeStopped(this);
    }
    await this.handlers.idle();
  }

  multiaddrs(): readonly string[] {
    return this.running ? [`/memory/${this.peerId}`] : [];
  }

  peers(): readonly PeerInfo[] {
    return this.#hub.peersOf(this);
  }

  handle(protocol: Protocol): void {
    if (this.running)
      throw new NetworkError('ERR_NETWORK_STATE', 'Protocols are registered before the start');
    this.handlers.add(protocol);
  }

  serveBlobs(server: BlobServer): void {
    this.blobServer = server;
  }

  async request(
    peerId: string,
    protocol: string,
    kind: string,
    body: JsonValue,
    options: RequestOptions = {},
  ): Promise<JsonValue> {
    const bytes = encodeMessage(body, MAX_MESSAGE_BYTES);
    const link = this.#link(peerId);
    using limit = deadline(this.#clock, `${protocol} ${kind} to ${peerId}`, options, REQUEST_TIMEOUT_MS);
    const answer = limit.race(link.carry(this, protocol, kind, decodeMessage(bytes) as JsonValue));
    return valueOf(await answer, peerId);
  }

  async fetchBlob(
    peerId: string,
    hash: string,
    offset: number,
    options: RequestOptions = {},
  ): Promise<BlobStream> {
    const link = this.#link(peerId);
    using limit = deadline(this.#clock, `blob ${hash} of ${peerId}`, options, REQUEST_TIMEOUT_MS);
    return await limit.race(link.carryBlob(this, hash, offset, options.signal));
  }

  handleStreams(protocol: string, accept: Accept): void {
    if (this.running)
      throw new NetworkError('ERR_NETWORK_STATE', 'Protocols are registered before the start');
    this.#acceptors.set(protocol, accept);
  }

  async openStream(peerId: string, protocol: string): Promise<PeerStream> {
    return this.#link(peerId).openStream(this, protocol);
  }

  accept(protocol: string, stream: PeerStream, sender: Sender): boolean {
    const accept = this.#acceptors.get(protocol);
    if (accept === undefined) return false;
    accept(stream, sender).then(
      () => stream.end(),
      (error: unknown) => stream.abort(error instanceof Error ? error : new Error('stream given up')),
    );
    return true;
  }

  async announce(topic: string, body: JsonValue): Promise<void> {
    this.#mustRun();
    const bytes = encodeMessage(body, MAX_ANNOUNCEMENT_BYTES);
    this.#hub.gossip(this, topic, bytes);
  }

  onAnnouncement(topic: string, receive: Receive): void {
    this.#receivers.set(topic, [...(this.#receivers.get(topic) ?? []), receive]);
  }

  disconnect(isUnwanted: (peer: Sender) => boolean): void {
    for (const peer of this.peers()) if (isUnwanted(peer)) this.#hub.disconnect(this.peerId, peer.peerId);
  }

  onPeer(listener: (peer: PeerInfo) => void): () => void {
    return this.peerListeners.add(listener);
  }

  speaks(protocol: string): boolean {
    return this.handlers.has(protocol);
  }

  /** A gossiped message arrives. */
  async receive(topic: string, bytes: Uint8Array): Promise<void> {
    try {
      for (const receive of this.#receivers.get(topic) ?? []) await receive(decodeMessage(bytes));
    } catch {
      // Refused: it goes no further.
    }
  }

  /** A request arrives; the answer goes through the same encoding as on a wire. */
  async answer(
    protocol: string,
    kind: string,
    body: JsonValue,
    sender: Sender,
    signal: AbortSignal,
  ): Promise<Answer> {
    const copy = structuredClone(body);
    const answer = await this.handlers.answer(protocol, kind, copy, sender, signal);
    try {
      return decodeMessage(encodeMessage(answer, MAX_MESSAGE_BYTES)) as Answer;
    } catch {
      return wireError('ERR_NETWORK_TOO_LARGE', 'The answer is larger than a message may be');
    }
  }

  #link(peerId: string): LinkCarrier {
    this.#mustRun();
    return this.#hub.link(this, peerId);
  }

  #mustRun(): void {
    if (!this.running) throw new NetworkError('ERR_NETWORK_STATE', 'The network is not running');
  }
}
