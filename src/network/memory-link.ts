import type { Clock } from '../interface/clock.ts';
import type { BlobStream, PeerInfo, PeerStream } from '../interface/network.ts';
import type { JsonValue } from '../interface/store.ts';
import { delay } from '../util/delay.ts';
import type { Answer } from './answer.ts';
import { checkBlobHead } from './blob-head.ts';
import { raceAbort } from './deadline.ts';
import { NetworkError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { LinkCarrier, LinkEnd, LinkHub } from './memory-parts.ts';
import { streamPair } from './memory-stream.ts';
import { BLOB_PROTOCOL } from './message.ts';

/** The connection of two memory nodes; `a` opened it. */
export class Link<Node extends LinkEnd> implements LinkCarrier {
  readonly #a: Node;
  readonly #b: Node;
  readonly #hub: LinkHub;
  readonly #clock: Clock;
  readonly #broken = new AbortController();
  readonly #connectedAt: number;

  constructor(a: Node, b: Node, components: { hub: LinkHub; clock: Clock }) {
    this.#a = a;
    this.#b = b;
    this.#hub = components.hub;
    this.#clock = components.clock;
    this.#connectedAt = components.clock.now();
  }

  has(node: LinkEnd): boolean {
    return node === this.#a || node === this.#b;
  }

  other(node: LinkEnd): Node {
    return node === this.#a ? this.#b : this.#a;
  }

  seenBy(node: LinkEnd): PeerInfo {
    const { peerId, address } = this.other(node);
    const direction = node === this.#a ? 'outbound' : 'inbound';
    return { peerId, address, multiaddrs: [`/memory/${peerId}`], direction, connectedAt: this.#connectedAt };
  }

  break(): void {
    this.#broken.abort(new NetworkError('ERR_NETWORK_UNREACHABLE', 'The connection broke before the answer'));
  }

  /** A request and its answer, with the fault that a rule orders. */
  async carry(from: LinkEnd, protocol: string, kind: string, body: JsonValue): Promise<Answer> {
    const to = this.other(from);
    if (!to.speaks(protocol)) {
      throw new NetworkError('ERR_NETWORK_PROTOCOL', `Peer ${to.peerId} does not speak ${protocol}`, {
        protocol,
      });
    }
    const fault = this.#hub.faultOf({ from: from.peerId, to: to.peerId, protocol, kind, body });
    const arrive = (): Promise<Answer> => {
      const changed = fault?.type === 'replace-body' ? fault.body : body;
      return this.#hub.track(to.answer(protocol, kind, changed, sender(from), this.#broken.signal));
    };
    return await raceAbort(this.#faulty(fault, arrive), this.#broken.signal);
  }

  openStream(from: LinkEnd, protocol: string): PeerStream {
    const to = this.other(from);
    this.#broken.signal.throwIfAborted();
    const [near, far] = streamPair(this.#broken.signal);
    if (to.accept(protocol, far, sender(from))) return near;
    throw new NetworkError('ERR_NETWORK_PROTOCOL', `Peer ${to.peerId} does not speak ${protocol}`, {
      protocol,
    });
  }

  async carryBlob(
    from: LinkEnd,
    hash: string,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<BlobStream> {
    const to = this.other(from);
    const body = { hash, offset };
    const fault = this.#hub.faultOf({
      from: from.peerId,
      to: to.peerId,
      protocol: BLOB_PROTOCOL,
      kind: 'fetch',
      body,
    });
    if (fault?.type === 'disconnect') this.#disconnect();
    this.#broken.signal.throwIfAborted();
    const blob = await to.blobServer?.open(hash, sender(from), offset);
    if (blob === undefined) {
      throw new NetworkError('ERR_NETWORK_BLOB_NOT_FOUND', `${to.peerId} has no blob ${hash} for this node`, {
        hash,
      });
    }
    const limitBytes = fault?.type === 'cut' ? fault.afterBytes : Infinity;
    const head = checkBlobHead(blob, { peerId: to.peerId, hash, offset });
    return { ...head, bytes: this.#bytes(blob.bytes, limitBytes, signal) };
  }

  async *#bytes(
    source: AsyncIterable<Uint8Array>,
    limitBytes: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let left = limitBytes;
    for await (const chunk of source) {
      signal?.throwIfAborted();
      this.#broken.signal.throwIfAborted();
      yield chunk.subarray(0, Math.min(chunk.byteLength, left));
      left -= chunk.byteLength;
      if (left < 0) this.#disconnect();
      this.#broken.signal.throwIfAborted();
    }
  }

  async #faulty(fault: Fault | undefined, arrive: () => Promise<Answer>): Promise<Answer> {
    switch (fault?.type) {
      case 'drop':
        return new Promise<never>(() => undefined);
      case 'drop-answer':
        await arrive();
        return new Promise<never>(() => undefined);
      case 'delay':
        await delay(this.#clock, fault.ms, this.#broken.signal);
        return arrive();
      case 'disconnect':
        if (fault.when === 'after') await arrive();
        this.#disconnect();
        return new Promise<never>(() => undefined);
      case 'duplicate': {
        const answer = await arrive();
        await arrive();
        return answer;
      }
      case 'replace-answer':
        await arrive();
        return { ok: fault.answer };
      default:
        return arrive();
    }
  }

  #disconnect(): void {
    this.#hub.disconnect(this.#a.peerId, this.#b.peerId);
  }
}

function sender(node: LinkEnd): { peerId: string; address: string } {
  return { peerId: node.peerId, address: node.address };
}
