import { noise } from '@chainsafe/libp2p-noise';
import { gossipsub, type GossipSub } from '@libp2p/gossipsub';
import { identify, type Identify } from '@libp2p/identify';
import type { Libp2p, PrivateKey } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { ping, type Ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { sha256 } from '../../util/sha256.ts';
import { gater } from './gater.ts';
import type { Libp2pInit, NetworkLimits } from './init.ts';

export type Services = { identify: Identify; ping: Ping; pubsub: GossipSub };
export type Node = Libp2p<Services>;

/** Keeps our nodes apart from other users of libp2p and of mDNS. */
const PREFIX = 'ergon';
const MDNS_SERVICE_TAG = '_ergon-p2p._udp.local';
/** A paused stream buffers what its window still lets in, so the window must stay below what it may buffer. */
const MAX_READ_BUFFER_BYTES = 4 * 1024 * 1024;
const MAX_WINDOW_BYTES = 2 * 1024 * 1024;

/** The libp2p node, not started. */
export async function createNode(
  init: Libp2pInit,
  privateKey: PrivateKey,
  limits: NetworkLimits,
): Promise<Node> {
  return await createLibp2p<Services>({
    start: false,
    privateKey,
    nodeInfo: { name: PREFIX, version: init.version ?? '0' },
    addresses: { listen: [...init.listen], announce: [...(init.announce ?? [])] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        streamOptions: {
          maxStreamWindowSize: MAX_WINDOW_BYTES,
          maxReadBufferLength: MAX_READ_BUFFER_BYTES,
          maxWriteBufferLength: limits.maxWriteBufferBytes,
        },
      }),
    ],
    connectionGater: gater(init.isDenied ?? (() => false)),
    connectionManager: {
      maxConnections: limits.maxConnections,
      inboundConnectionThreshold: limits.inboundConnectionThreshold,
    },
    // Patient: a machine that sells its CPU may be slow to answer and still be there.
    connectionMonitor: { protocolPrefix: PREFIX, pingTimeout: { minTimeout: 20_000 } },
    peerDiscovery: init.mdns === undefined ? [] : [mdns({ serviceTag: MDNS_SERVICE_TAG, ...init.mdns })],
    services: {
      identify: identify({ protocolPrefix: PREFIX }),
      ping: ping({ protocolPrefix: PREFIX }),
      pubsub: gossip(limits),
    },
  });
}

/**
 * Announcements carry their own signature, so gossipsub adds none: checking its own for every copy of a message
 * costs thirty times the delay (docs/architecture.md). A message is known by the hash of its bytes.
 */
function gossip(limits: NetworkLimits): ReturnType<typeof gossipsub> {
  const messageId = (message: { data?: Uint8Array }): Uint8Array => sha256(message.data ?? new Uint8Array());
  return gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: messageId,
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    maxInboundDataLength: limits.maxAnnouncementBytes,
    maxOutboundBufferSize: limits.maxWriteBufferBytes,
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: 256,
      maxIhaveMessageIDs: 5000,
      maxIwantMessageIDs: 5000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },
  });
}
