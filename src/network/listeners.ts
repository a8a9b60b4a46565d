import type { Logger } from '../interface/logger.ts';
import type { PeerInfo } from '../interface/network.ts';

/** Who wants to know of new peers. A listener that throws hurts nobody else. */
export class PeerListeners {
  readonly #logger: Logger | undefined;
  readonly #listeners = new Set<(peer: PeerInfo) => void>();

  constructor(components: { logger?: Logger | undefined }) {
    this.#logger = components.logger;
  }

  add(listener: (peer: PeerInfo) => void): () => void {
    // Wrapped, so that one function added twice is two listeners.
    const own = (peer: PeerInfo): void => listener(peer);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  notify(peer: PeerInfo): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(peer);
      } catch (err) {
        this.#logger?.error({ err, peerId: peer.peerId }, 'a peer listener failed');
      }
    }
  }
}
