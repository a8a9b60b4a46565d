import type { Clock, Logger, Network, PeerStream } from '../../interface/index.ts';
import { backoffMs } from '../../util/backoff.ts';
import { encodeFrame } from '../frames.ts';
import { encodeJson, PACKETS_PROTOCOL, type PacketsHeader, type TableNode } from '../wire.ts';

/** Packets that wait for the stream to open; more are lost, as on any link. */
const MAX_WAITING_BYTES = 128 * 1024;
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
  #isOpening = false;
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
    if (this.#isClosed) return;
    if (this.#stream !== undefined) {
      this.#stream.offer(frames);
      return;
    }
    if (this.#components.clock.now() < this.#notBefore) return;
    if (this.#waitingBytes + frames.byteLength <= MAX_WAITING_BYTES) {
      this.#waiting.push(frames);
      this.#waitingBytes += frames.byteLength;
    }
    if (!this.#isOpening) void this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#forgetWaiting();
    this.#stream?.abort(new Error('the network ends here'));
  }

  async #open(): Promise<void> {
    const { network, logger } = this.#components;
    const { peerId, multiaddrs } = this.#node;
    this.#isOpening = true;
    try {
      const stream = await network.openStream(peerId, PACKETS_PROTOCOL, { multiaddrs });
      stream.offer(Buffer.concat([encodeFrame(encodeJson(this.#header)), ...this.#waiting]));
      if (this.#isClosed) stream.abort(new Error('the network ends here'));
      else this.#carry(stream);
    } catch (err) {
      logger.debug({ err, peerId }, 'no link to a node of the network');
      this.#pause();
    } finally {
      this.#isOpening = false;
      this.#forgetWaiting();
    }
  }

  #carry(stream: PeerStream): void {
    const { clock } = this.#components;
    const openedAt = clock.now();
    this.#stream = stream;
    void stream.closed.then(() => {
      this.#stream = undefined;
      // A peer that has not heard of this node yet breaks the stream at once.
      if (clock.now() - openedAt < RETRY.maxMs) this.#pause();
      else this.#failures = 0;
    });
  }

  #pause(): void {
    this.#failures += 1;
    this.#notBefore = this.#components.clock.now() + backoffMs(RETRY, this.#failures);
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
