import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { IdentifyResult, PrivateKey, Stream } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { isErgonError } from '../../interface/errors.ts';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import type {
  BlobServer,
  BlobStream,
  Network,
  PeerInfo,
  PeerStream,
  Protocol,
  RequestOptions,
  Sender,
} from '../../interface/network.ts';
import type { JsonValue } from '../../interface/store.ts';
import { errorMessage } from '../../util/error-message.ts';
import { valueOf } from '../answer.ts';
import { deadline } from '../deadline.ts';
import { NetworkError } from '../errors.ts';
import { Handlers } from '../handlers.ts';
import { PeerListeners } from '../listeners.ts';
import { BLOB_PROTOCOL, encodeMessage } from '../message.ts';
import { addressOfPublicKey } from '../peer-id.ts';
import { readBlob } from './blob-streams.ts';
import { Dial, parseMultiaddrs } from './dial.ts';
import { senderOf } from './gater.ts';
import { Gossip } from './gossip.ts';
import { Inbound, type Acceptor } from './inbound.ts';
import { DEFAULT_LIMITS, type Libp2pInit, type NetworkLimits } from './init.ts';
import { createNode, type Node } from './node.ts';
import { PeerBook } from './peer-book.ts';
import { peerStream } from './peer-stream.ts';
import { Redial } from './redial.ts';
import { unreachable } from './request-channel.ts';
import { Requester } from './requester.ts';

export interface Libp2pComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the jitter of redials; Math.random by default. */
  readonly random?: () => number;
}

/** Everything that lives from one start to the next stop. */
interface Session {
  readonly node: Node;
  readonly dial: Dial;
  readonly requester: Requester;
  readonly redials: readonly Redial[];
  readonly inbound: Inbound;
  readonly stopping: AbortController;
}

/** The node's network over libp2p: TCP, Noise, Yamux. Makes no socket before `start`. */
export function libp2pNetwork(init: Libp2pInit, components: Libp2pComponents): Network {
  return new Libp2pNetwork(init, components);
}

class Libp2pNetwork implements Network {
  readonly peerId: string;
  readonly address: string;
  readonly #init: Libp2pInit;
  readonly #limits: NetworkLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #privateKey: PrivateKey;
  readonly #handlers: Handlers;
  readonly #gossip: Gossip;
  readonly #listeners: PeerListeners;
  readonly #book = new PeerBook();
  readonly #acceptors = new Map<string, Acceptor>();
  #blobServer: BlobServer | undefined;
  #session: Session | undefined;

  constructor(init: Libp2pInit, components: Libp2pComponents) {
    this.#init = init;
    this.#limits = { ...DEFAULT_LIMITS, ...init.limits };
    this.#clock = components.clock;
    this.#logger = components.logger.child({ component: 'network' });
    this.#random = components.random ?? Math.random;
    this.#privateKey = privateKeyFromRaw(init.privateKeyRaw);
    const peerId = peerIdFromPrivateKey(this.#privateKey);
    this.peerId = peerId.toString();
    this.address = addressOfPublicKey(peerId.publicKey);
    this.#handlers = new Handlers({ logger: this.#logger });
    this.#listeners = new PeerListeners({ logger: this.#logger });
    this.#gossip = new Gossip({ maxBytes: this.#limits.maxAnnouncementBytes }, { logger: this.#logger });
  }

  async start(): Promise<void> {
    if (this.#session !== undefined) return;
    const bootstrap = parseMultiaddrs(this.#init.bootstrap ?? [], 'bootstrap');
    const node = await this.#create();
    const dial = new Dial(node);
    const stopping = new AbortController();
    const { signal } = stopping;
    const parts = { dialler: dial, clock: this.#clock, random: this.#random, logger: this.#logger };
    const session: Session = {
      node,
      dial,
      requester: new Requester(this.#limits, { open: (...args) => dial.openStream(...args) }),
      redials: bootstrap.map((address) => new Redial(address, parts)),
      inbound: new Inbound(
        { limits: this.#limits, isDenied: this.#init.isDenied ?? (() => false) },
        { clock: this.#clock, logger: this.#logger, signal },
      ),
      stopping,
    };
    await session.inbound.serve(node, {
      handlers: this.#handlers,
      acceptors: this.#acceptors,
      blobServer: () => this.#blobServer,
    });
    this.#watch(session);
    try {
      await node.start();
    } catch (cause) {
      await Promise.resolve(node.stop()).catch(() => undefined);
      // The library's own advice is about its options; what the system has said stands in it.
      const why = /Error: (.*)/.exec(errorMessage(cause))?.[1] ?? errorMessage(cause);
      const message = `Cannot listen on ${this.#init.listen.join(', ')}: ${why}`;
      throw new NetworkError('ERR_NETWORK_START', message, { listen: this.#init.listen }, { cause });
    }
    this.#gossip.attach(node.services.pubsub);
    this.#session = session;
    for (const redial of session.redials) redial.start();
    this.#logger.info({ peerId: this.peerId, multiaddrs: this.multiaddrs() }, 'network started');
  }

  async stop(): Promise<void> {
    const session = this.#session;
    if (session !== undefined) {
      this.#session = undefined;
      session.stopping.abort(new NetworkError('ERR_NETWORK_ABORTED', 'The node stops'));
      session.requester.close();
      await Promise.all(session.redials.map((redial) => redial.stop()));
      await session.node.stop();
      await session.inbound.idle();
      this.#book.clear();
    }
    await this.#handlers.idle();
  }

  multiaddrs(): readonly string[] {
    return this.#session?.node.getMultiaddrs().map((address) => address.toString()) ?? [];
  }

  peers(): readonly PeerInfo[] {
    return this.#book.peers(this.#session?.node.getConnections() ?? []);
  }

  handle(protocol: Protocol): void {
    if (this.#session !== undefined) {
      throw new NetworkError(
        'ERR_NETWORK_STATE',
        `Protocol ${protocol.id} must be registered before the start`,
      );
    }
    this.#handlers.add(protocol);
  }

  serveBlobs(server: BlobServer): void {
    this.#blobServer = server;
  }

  async request(
    peerId: string,
    protocol: string,
    kind: string,
    body: JsonValue,
    options: RequestOptions = {},
  ): Promise<JsonValue> {
    const { requester } = this.#running();
    encodeMessage(body, this.#limits.maxMessageBytes);
    const target = { peerId, protocol, multiaddrs: options.multiaddrs ?? [] };
    using limit = deadline(
      this.#clock,
      `${protocol} ${kind} to ${peerId}`,
      options,
      this.#limits.requestTimeoutMs,
    );
    return valueOf(await limit.race(requester.request(target, kind, body, limit.signal)), peerId);
  }

  async fetchBlob(
    peerId: string,
    hash: string,
    offset: number,
    options: RequestOptions = {},
  ): Promise<BlobStream> {
    const stallTimeoutMs = options.timeoutMs ?? this.#limits.requestTimeoutMs;
    const stream = await this.#open(peerId, BLOB_PROTOCOL, `blob ${hash} of ${peerId}`, options);
    return await readBlob(
      stream,
      { peerId, hash, offset },
      { stallTimeoutMs, signal: options.signal },
      this.#clock,
    );
  }

  handleStreams(protocol: string, accept: Acceptor['accept'], { maxPerPeer }: { maxPerPeer: number }): void {
    if (this.#session !== undefined) {
      throw new NetworkError('ERR_NETWORK_STATE', `Protocol ${protocol} must be registered before the start`);
    }
    this.#acceptors.set(protocol, { accept, maxPerPeer });
  }

  async openStream(peerId: string, protocol: string, options: RequestOptions = {}): Promise<PeerStream> {
    const stream = await this.#open(peerId, protocol, `a stream of ${protocol} to ${peerId}`, options);
    return peerStream(stream);
  }

  async announce(topic: string, body: JsonValue): Promise<void> {
    await this.#gossip.publish(this.#running().node.services.pubsub, topic, body);
  }

  onAnnouncement(topic: string, receive: (body: unknown) => Promise<void>): void {
    this.#gossip.on(topic, receive);
    if (this.#session !== undefined) this.#gossip.attachTopic(this.#session.node.services.pubsub, topic);
  }

  disconnect(isUnwanted: (peer: Sender) => boolean): void {
    for (const connection of this.#session?.node.getConnections() ?? []) {
      const peer = senderOf(connection.remotePeer);
      if (peer !== undefined && isUnwanted(peer)) connection.abort(new Error('not wanted any more'));
    }
  }

  onPeer(listener: (peer: PeerInfo) => void): () => void {
    return this.#listeners.add(listener);
  }

  async #open(peerId: string, protocol: string, what: string, options: RequestOptions): Promise<Stream> {
    const { dial } = this.#running();
    using limit = deadline(this.#clock, what, options, this.#limits.requestTimeoutMs);
    const opening = dial.openStream(peerId, protocol, options.multiaddrs ?? []);
    return await limit.race(opening).catch((error: unknown) => {
      void opening.then((late) => late.abort(new Error('given up'))).catch(() => undefined);
      throw isErgonError(error) ? error : unreachable(peerId, error);
    });
  }

  async #create(): Promise<Node> {
    try {
      return await createNode(this.#init, this.#privateKey, this.#limits);
    } catch (cause) {
      const why = errorMessage(cause);
      throw new NetworkError(
        'ERR_NETWORK_START',
        `The network settings cannot be used: ${why}`,
        {},
        { cause },
      );
    }
  }

  /** Follows who comes and goes. */
  #watch(session: Session): void {
    const { node } = session;
    node.addEventListener('peer:identify', ({ detail }: CustomEvent<IdentifyResult>) => {
      const peer = this.#book.identified(detail);
      if (peer !== undefined) this.#listeners.notify(peer);
    });
    node.addEventListener('peer:disconnect', ({ detail }) => {
      this.#book.gone(detail.toString());
      for (const redial of session.redials) redial.peerLost(detail.toString());
    });
    // libp2p only tells what mDNS finds; to connect is ours.
    node.addEventListener('peer:discovery', ({ detail }) => {
      if (
        node.getConnections(detail.id).length > 0 ||
        node.getConnections().length >= this.#limits.maxConnections
      )
        return;
      node.dial(detail.id, { signal: session.stopping.signal }).catch((err: unknown) => {
        this.#logger.debug({ err, peerId: detail.id.toString() }, 'a discovered peer does not answer');
      });
    });
  }

  #running(): Session {
    if (this.#session === undefined)
      throw new NetworkError('ERR_NETWORK_STATE', 'The network is not running');
    return this.#session;
  }
}
