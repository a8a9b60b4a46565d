import type { Connection, IdentifyResult } from '@libp2p/interface';
import type { PeerInfo } from '../../interface/network.ts';
import { senderOf } from './gater.ts';

const MAX_ADDRESSES = 16;

/** The connected peers, and the addresses that they say they listen on. */
export class PeerBook {
  readonly #addresses = new Map<string, readonly string[]>();

  /** Notes what a peer says of itself; undefined when the connection is gone again or the peer is none of ours. */
  identified(result: IdentifyResult): PeerInfo | undefined {
    const info = this.#info(result.connection);
    if (info === undefined || result.connection.status !== 'open') return undefined;
    const addresses = result.signedPeerRecord?.addresses ?? result.listenAddrs;
    if (addresses.length > 0) {
      this.#addresses.set(
        info.peerId,
        addresses.slice(0, MAX_ADDRESSES).map((address) => address.toString()),
      );
    }
    return this.#info(result.connection);
  }

  gone(peerId: string): void {
    this.#addresses.delete(peerId);
  }

  clear(): void {
    this.#addresses.clear();
  }

  /** One entry a peer, for the oldest of its connections. */
  peers(connections: readonly Connection[]): PeerInfo[] {
    const peers = new Map<string, PeerInfo>();
    for (const connection of connections) {
      const info = connection.status === 'open' ? this.#info(connection) : undefined;
      if (info === undefined) continue;
      const known = peers.get(info.peerId);
      if (known === undefined || info.connectedAt < known.connectedAt) peers.set(info.peerId, info);
    }
    return [...peers.values()];
  }

  #info(connection: Connection): PeerInfo | undefined {
    const sender = senderOf(connection.remotePeer);
    if (sender === undefined) return undefined;
    return {
      ...sender,
      multiaddrs: this.#addresses.get(sender.peerId) ?? [connection.remoteAddr.toString()],
      direction: connection.direction,
      connectedAt: connection.timeline.open,
    };
  }
}
