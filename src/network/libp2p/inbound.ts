import type { Connection, Stream } from '@libp2p/interface';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import type { BlobServer, PeerStream, Sender } from '../../interface/network.ts';
import type { Handlers } from '../handlers.ts';
import { BLOB_PROTOCOL } from '../message.ts';
import { serveBlob } from './blob-streams.ts';
import { senderOf } from './gater.ts';
import type { NetworkLimits } from './init.ts';
import type { Node } from './node.ts';
import { servePeerStream } from './peer-stream.ts';
import { serveRequests } from './request-server.ts';

/** Streams of one request protocol that a peer may have open; one carries all of its requests. */
const MAX_REQUEST_STREAMS = 4;
const MAX_OUTBOUND_STREAMS = 256;

/** What takes the direct streams of one protocol. */
export interface Acceptor {
  readonly accept: (stream: PeerStream, sender: Sender) => Promise<void>;
  readonly maxPerPeer: number;
}

/** What peers may ask of this node. */
export interface Served {
  readonly handlers: Handlers;
  /** By protocol id. */
  readonly acceptors: ReadonlyMap<string, Acceptor>;
  /** Asked at each stream: it may be set later. */
  readonly blobServer: () => BlobServer | undefined;
}

interface Init {
  readonly limits: NetworkLimits;
  readonly isDenied: (peer: Sender) => boolean;
}

interface Components {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the node stops. */
  readonly signal: AbortSignal;
}

/** Answers peers' streams on a node. */
export class Inbound {
  readonly #init: Init;
  readonly #components: Components;
  readonly #serving = new Set<Promise<void>>();

  constructor(init: Init, components: Components) {
    this.#init = init;
    this.#components = components;
  }

  /** Registers all protocols: requests, direct streams, blobs. */
  async serve(node: Node, { handlers, acceptors, blobServer }: Served): Promise<void> {
    const { clock, logger } = this.#components;
    const components = { handlers, ...this.#components };
    for (const id of handlers.ids()) {
      await this.#register(node, id, MAX_REQUEST_STREAMS, (stream, sender) =>
        serveRequests(stream, id, sender, this.#init.limits, components),
      );
    }
    for (const [id, { accept, maxPerPeer }] of acceptors) {
      await this.#register(node, id, maxPerPeer, (stream, sender) =>
        servePeerStream(stream, (peer) => accept(peer, sender)),
      );
    }
    await this.#register(node, BLOB_PROTOCOL, this.#init.limits.maxBlobStreams, (stream, sender) =>
      serveBlob(stream, sender, { server: blobServer(), clock, logger }),
    );
  }

  /** Resolves when no stream is being served. */
  async idle(): Promise<void> {
    await Promise.all(this.#serving);
  }

  async #register(
    node: Node,
    protocol: string,
    maxInboundStreams: number,
    serve: (stream: Stream, sender: Sender) => Promise<void>,
  ): Promise<void> {
    const handler = (stream: Stream, connection: Connection): void => {
      const sender = senderOf(connection.remotePeer);
      // The gater has asked the same; the answer may be another one since.
      if (sender === undefined || this.#init.isDenied(sender)) {
        stream.abort(new Error('not an Ethereum key, or denied'));
        return;
      }
      const serving = serve(stream, sender).finally(() => this.#serving.delete(serving));
      this.#serving.add(serving);
    };
    await node.handle(protocol, handler, { maxInboundStreams, maxOutboundStreams: MAX_OUTBOUND_STREAMS });
  }
}
