import type { Duplex } from 'node:stream';
import {
  isErgonError,
  type ActivityNetworks,
  type DeployNetwork,
  type Sender,
} from '../../interface/index.ts';
import { delay } from '../../util/delay.ts';
import { keepTrying } from '../background.ts';
import { encodeFrame, FrameDecoder } from '../frames.ts';
import { endsOf } from '../packet.ts';
import { checkTable, sameNode, VPN_PROTOCOL, type TableNode } from '../wire.ts';
import type { MembersComponents } from './components.ts';
import { Link } from './link.ts';
import { MemberTable } from './table.ts';

/** Longer than the requestor holds a request for the table open (HOLD_MS of requestor/tables.ts). */
const TABLE_TIMEOUT_MS = 60_000;
/** The requestor has said that there is no such network for this node: asked again, but not at once. */
const REFUSED_PAUSE_MS = 2_000;

export interface MemberInit {
  readonly activityId: string;
  /** Position of the network in the activity's list of networks. */
  readonly index: number;
  readonly network: DeployNetwork;
  readonly requestor: Sender;
}

export interface MemberComponents extends MembersComponents {
  readonly networks: ActivityNetworks;
  /** Another activity of this very node in the same network. */
  readonly neighbour: (member: Member, ip: number) => Member | undefined;
}

/** One activity in one network: its packets, and what it knows of the others. */
export class Member {
  readonly init: MemberInit;
  readonly table: MemberTable;
  readonly #components: MemberComponents;
  readonly #stopping = new AbortController();
  readonly #links = new Map<string, Link>();
  #line: Duplex | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(init: MemberInit, components: MemberComponents) {
    this.init = init;
    this.#components = components;
    this.table = new MemberTable(init.network);
  }

  start(): void {
    this.#running = Promise.all([
      keepTrying(this.#fields('nodes'), this.#background(), () => this.#askForTable()),
      keepTrying(this.#fields('packets'), this.#background(), () => this.#carryPackets()),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#line?.destroy();
    for (const link of this.#links.values()) link.close();
    await this.#running;
  }

  /** Whether this is a member of the network that `owner` calls `networkId`. */
  isIn(networkId: string, owner: string): boolean {
    return this.init.network.id === networkId && sameNode(this.init.requestor.address, owner);
  }

  /** A packet for the activity; lost when it takes none. */
  deliver(packet: Buffer): void {
    if (this.#line !== undefined && !this.#line.writableNeedDrain) this.#line.write(encodeFrame(packet));
  }

  async #askForTable(): Promise<void> {
    const { network } = this.#components;
    const {
      requestor,
      network: { id: networkId },
    } = this.init;
    const { tag } = this.table;
    try {
      const body = { networkId, ...(tag !== undefined && { known: tag }) };
      const options = { timeoutMs: TABLE_TIMEOUT_MS, signal: this.#stopping.signal };
      const table = checkTable(await network.request(requestor.peerId, VPN_PROTOCOL, 'table', body, options));
      if (table.tag === tag) return;
      this.table.learn(table);
    } catch (error) {
      if (!isErgonError(error, 'ERR_NETWORK_REMOTE') || error.detail['code'] !== 'ERR_VPN_NOT_FOUND')
        throw error;
      this.table.forget();
      await delay(this.#components.clock, REFUSED_PAUSE_MS, this.#stopping.signal).catch(() => undefined);
    } finally {
      this.#dropLinks();
    }
  }

  /** Closes the links to peers that are not in the network any more. */
  #dropLinks(): void {
    const peers = new Set(this.table.nodes.map(({ peerId }) => peerId));
    for (const [peerId, link] of this.#links) {
      if (peers.has(peerId)) continue;
      link.close();
      this.#links.delete(peerId);
    }
  }

  async #carryPackets(): Promise<void> {
    const { activityId, index } = this.init;
    const line = await this.#components.networks.openPackets(activityId, index);
    if (this.#stopping.signal.aborted) {
      line.destroy();
      return;
    }
    this.#line = line;
    try {
      const decoder = new FrameDecoder();
      for await (const chunk of line) if (Buffer.isBuffer(chunk)) this.#sendAll(decoder.take(chunk));
    } finally {
      this.#line = undefined;
      line.destroy();
    }
    throw new Error('the activity has closed its packets');
  }

  /** Packets for one peer go together. */
  #sendAll(packets: readonly Buffer[]): void {
    const byPeer = new Map<TableNode, Buffer[]>();
    for (const packet of packets) {
      const ends = endsOf(packet);
      const node = ends && this.table.route(ends);
      if (node === undefined) continue;
      if (sameNode(node.address, this.#components.network.address))
        this.#components.neighbour(this, ends?.destination ?? 0)?.deliver(packet);
      else byPeer.set(node, [...(byPeer.get(node) ?? []), encodeFrame(packet)]);
    }
    for (const [node, frames] of byPeer) this.#linkTo(node).send(Buffer.concat(frames));
  }

  #linkTo(node: TableNode): Link {
    const { requestor, network } = this.init;
    const header = { networkId: network.id, owner: requestor.address };
    const link = this.#links.get(node.peerId) ?? new Link(node, header, this.#components);
    this.#links.set(node.peerId, link);
    return link;
  }

  #background() {
    const { clock, logger } = this.#components;
    return { clock, logger, signal: this.#stopping.signal };
  }

  #fields(what: string) {
    const { activityId, network } = this.init;
    return { activityId, networkId: network.id, what };
  }
}
