import type { Clock, Logger, Network, PeerStream } from '../../interface/index.ts';
import { backoffMs } from '../../util/backoff.ts';
import { encodeFrame } from '../frames.ts';
import { encodeJson, PACKETS_PROTOCOL, type PacketsHeader, type TableNode } from '../wire.ts';

/** Packets that wait for the stream to open, or to take more; what comes beyond is lost, as on any link. */
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY = { firstMs: 200, maxMs: 5_000 };

export interface LinkComponents {
  readonly network: Pick<Network, 'openStream'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Packets of one network to one peer. It opens when there is something to send, and again after it broke. */
export class Link {
  readonly #node: TableNode;
  readonly #header: PacketsHeader;
  readonly #components: LinkComponents;
  #stream: PeerStream | undefined;
  #isSending = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #failures = 0;
  #notBefore = 0;
  #isClosed = false;

  constructor(node: TableNode, header: PacketsHeader, components: LinkComponents) {
    this.#node = node;
    this.#header = header;
    this.#components = components;
  }

  /** Frames, which are lost when the peer is behind or away. */
  send(frames: Uint8Array): void {
    if (this.#isClosed || this.#components.clock.now() < this.#notBefore) return;
    if (this.#waitingBytes + frames.byteLength > MAX_WAITING_BYTES) return;
    this.#waiting.push(frames);
    this.#waitingBytes += frames.byteLength;
    if (!this.#isSending) void this.#sendAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#takeWaiting();
    this.#stream?.abort(new Error('the network ends here'));
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    try {
      const stream = this.#stream ?? (await this.#open());
      this.#stream = stream;
      while (this.#waiting.length > 0) await stream.write(this.#takeWaiting());
    } catch (err) {
      this.#components.logger.debug({ err, peerId: this.#node.peerId }, 'no link to a node of the network');
      this.#stream = undefined;
      this.#takeWaiting();
      this.#pause();
    } finally {
      this.#isSending = false;
    }
  }

  async #open(): Promise<PeerStream> {
    const { network, clock } = this.#components;
    const { peerId, multiaddrs } = this.#node;
    const stream = await network.openStream(peerId, PACKETS_PROTOCOL, { multiaddrs });
    const openedAt = clock.now();
    void stream.closed.then(() => {
      this.#stream = undefined;
      // A peer that has not heard of this node yet breaks the stream at once.
      if (clock.now() - openedAt < RETRY.maxMs) this.#pause();
      else this.#failures = 0;
    });
    if (this.#isClosed) stream.abort(new Error('the network ends here'));
    await stream.write(encodeFrame(encodeJson(this.#header)));
    return stream;
  }

  #pause(): void {
    this.#failures += 1;
    this.#notBefore = this.#components.clock.now() + backoffMs(RETRY, this.#failures);
  }

  #takeWaiting(): Buffer {
    const taken = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return taken;
  }
}
