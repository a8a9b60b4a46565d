import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { NetworkError } from '../errors.ts';
import { parsePeerId } from '../peer-id.ts';
import type { Node } from './node.ts';
import type { Dialler } from './redial.ts';

const MAX_ADDRESSES = 16;

/** Opens connections and streams. */
export class Dial implements Dialler {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  async dial(address: Multiaddr, signal: AbortSignal): Promise<string> {
    const connection = await this.#node.dial(address, { signal });
    return connection.remotePeer.toString();
  }

  isConnected(peerId: string): boolean {
    return this.#node.getConnections(parsePeerId(peerId)).length > 0;
  }

  /** A stream to the peer over the connection that is there, else over one dialled once. */
  async openStream(peerId: string, protocol: string, multiaddrs: readonly string[]): Promise<Stream> {
    const connection = await this.#connection(peerId, multiaddrs);
    try {
      return await connection.newStream(protocol, { maxOutboundStreams: 256 });
    } catch (cause) {
      if (!(cause instanceof Error) || cause.name !== 'UnsupportedProtocolError') throw cause;
      const message = `Peer ${peerId} does not speak ${protocol}`;
      throw new NetworkError('ERR_NETWORK_PROTOCOL', message, { peerId, protocol }, { cause });
    }
  }

  async #connection(peerId: string, multiaddrs: readonly string[]): Promise<Connection> {
    const id = parsePeerId(peerId);
    const open = this.#node.getConnections(id).find((connection) => connection.status === 'open');
    if (open !== undefined) return open;
    const addresses = addressesOf(peerId, multiaddrs);
    // Addresses given for this request are a stranger's word: dialled with the PeerId pinned, not remembered.
    if (addresses.length > 0) {
      const dialled = await this.#node.dial(addresses).catch(() => undefined);
      if (dialled !== undefined) return dialled;
    }
    return await this.#node.dial(id);
  }
}

/** The usable ones of some peer's addresses, each ending in its PeerId. */
function addressesOf(peerId: string, multiaddrs: readonly string[]): Multiaddr[] {
  return multiaddrs.slice(0, MAX_ADDRESSES).flatMap((text) => {
    try {
      const address = multiaddr(text);
      const named = address.getComponents().findLast((component) => component.name === 'p2p')?.value;
      if (named === peerId) return [address];
      return named === undefined ? [address.encapsulate(`/p2p/${peerId}`)] : [];
    } catch {
      return [];
    }
  });
}

/** Addresses of the configuration: a mistake there is told at the start. */
export function parseMultiaddrs(texts: readonly string[], setting: string): Multiaddr[] {
  return texts.map((text) => {
    try {
      return multiaddr(text);
    } catch (cause) {
      const message = `network.${setting}: ${text} is no multiaddr, like /ip4/192.0.2.1/tcp/4510/p2p/16Uiu2…`;
      throw new NetworkError('ERR_NETWORK_START', message, { setting, value: text }, { cause });
    }
  });
}
