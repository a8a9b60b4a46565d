import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { Network, PeerInfo } from '../interface/network.ts';
import { systemClock } from '../util/clock.ts';
import { NetworkError } from './errors.ts';
import type { FaultRule, MemoryMessage, Fault } from './faults.ts';
import { Link } from './memory-link.ts';
import { MemoryNode, type MemoryNodeInit } from './memory-node.ts';
import type { LinkHub, NodeHub } from './memory-parts.ts';

export type { Fault, FaultRule, MemoryMessage } from './faults.ts';

/**
 * A network in one process: the twin of the real one for tests, with faults to order.
 * Running nodes are all connected, until `disconnect`.
 */
export class MemoryHub implements LinkHub, NodeHub<MemoryNode> {
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #nodes = new Map<string, MemoryNode>();
  readonly #links = new Map<string, Link<MemoryNode>>();
  readonly #cut = new Set<string>();
  readonly #rules = new Set<FaultRule>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(components: { clock: Clock; logger?: Logger | undefined }) {
    this.#clock = components.clock;
    this.#logger = components.logger;
  }

  /** A new node; start it to connect it. A node that stopped may be replaced by a new one of the same identity. */
  join(init: MemoryNodeInit): Network {
    if (this.#nodes.get(init.peerId)?.running === true) {
      throw new NetworkError('ERR_NETWORK_STATE', `${init.peerId} is in the network already`);
    }
    const node = new MemoryNode(init, { hub: this, clock: this.#clock, logger: this.#logger });
    this.#nodes.set(init.peerId, node);
    return node;
  }

  /** Adds a rule that is asked for a fault at each message; the returned function takes it away. */
  fault(rule: FaultRule): () => void {
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** Breaks the connection of two nodes and keeps it broken. */
  disconnect(a: string, b: string): void {
    this.#cut.add(pair(a, b));
    this.#drop(pair(a, b));
  }

  /** Lets two nodes connect again, which they do at once when both run. */
  connect(a: string, b: string): void {
    this.#cut.delete(pair(a, b));
    const [one, other] = [this.#nodes.get(a), this.#nodes.get(b)];
    if (one?.running === true && other?.running === true) this.#join(one, other);
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  /** @internal */
  nodeStarted(node: MemoryNode): void {
    if (this.#nodes.get(node.peerId) !== node) {
      throw new NetworkError('ERR_NETWORK_STATE', `Another node runs as ${node.peerId}`);
    }
    for (const other of this.#nodes.values()) {
      if (other !== node && other.running) this.#join(node, other);
    }
  }

  /** @internal */
  nodeStopped(node: MemoryNode): void {
    for (const [key, link] of this.#links) if (link.has(node)) this.#drop(key);
  }

  /** @internal */
  link(from: MemoryNode, peerId: string): Link<MemoryNode> {
    const link = this.#links.get(pair(from.peerId, peerId));
    if (link === undefined) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', `There is no way to ${peerId}`, { peerId });
    }
    return link;
  }

  /** @internal */
  peersOf(node: MemoryNode): PeerInfo[] {
    return [...this.#links.values()].filter((link) => link.has(node)).map((link) => link.seenBy(node));
  }

  /** @internal */
  gossip(from: MemoryNode, topic: string, bytes: Uint8Array): void {
    for (const link of this.#links.values()) {
      if (link.has(from)) void this.track(link.other(from).receive(topic, bytes));
    }
  }

  /** @internal */
  faultOf(message: MemoryMessage): Fault | undefined {
    for (const rule of this.#rules) {
      const fault = rule(message);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** @internal */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    tracked.catch(() => undefined);
    this.#underWay.add(tracked);
    return tracked;
  }

  #join(a: MemoryNode, b: MemoryNode): void {
    const key = pair(a.peerId, b.peerId);
    if (this.#links.has(key) || this.#cut.has(key)) return;
    const link = new Link(a, b, { hub: this, clock: this.#clock });
    this.#links.set(key, link);
    a.peerListeners.notify(link.seenBy(a));
    b.peerListeners.notify(link.seenBy(b));
  }

  #drop(key: string): void {
    this.#links.get(key)?.break();
    this.#links.delete(key);
  }
}

/** Makes an empty hub; its clock (the machine's by default) times requests and delays. */
export function memoryNetwork(components: { clock?: Clock; logger?: Logger } = {}): MemoryHub {
  return new MemoryHub({ clock: components.clock ?? systemClock(), logger: components.logger });
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
