import {
  NetworkId,
  type Networks,
  type PeerStream,
  type NetworkInfo,
  type NetworkNode,
  type Startable,
  type Transaction,
} from '../../interface/index.ts';
import { problems } from '../../util/check.ts';
import { DAY_MS } from '../../util/durations.ts';
import { keepTrying } from '../background.ts';
import { VpnError } from '../errors.ts';
import { networkBucket, type NetworkRecord } from '../records.ts';
import { sameNode } from '../wire.ts';
import { Connections, type ConnectionsComponents } from './connections.ts';
import { planNetwork, withNode } from './plan.ts';
import { noNetwork, Tables, type TablesComponents } from './tables.ts';

const MAX_NETWORKS = 256;
/** One that nobody has removed goes when it is older than this and none of its nodes has an agreement. */
const KEEP_MS = DAY_MS;
const PURGE_INTERVAL_MS = 3600 * 1000;
const AGREEMENT_EVENTS = ['agreement.approved', 'agreement.terminated', 'agreement.expired'];

export interface RequestorNetworksComponents extends TablesComponents, ConnectionsComponents {
  readonly newId: () => string;
}

/** The networks that this node's clients have made. */
export class RequestorNetworks implements Networks, Startable {
  readonly tables: Tables;
  readonly #components: RequestorNetworksComponents;
  readonly #connections: Connections;
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #cancelPurge = (): void => undefined;

  constructor(components: RequestorNetworksComponents) {
    this.#components = components;
    this.tables = new Tables(components);
    this.#connections = new Connections(components);
  }

  async start(): Promise<void> {
    const { store, clock, logger } = this.#components;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    // Who has an agreement no more is in no network any more, and the other way round.
    this.#running = keepTrying({ what: 'agreements of networks' }, { clock, logger, signal }, async () => {
      const query = { after: store.events.last(), types: AGREEMENT_EVENTS };
      this.tables.notify();
      const events = store.events.follow(query, signal)[Symbol.asyncIterator]();
      while ((await events.next()).done !== true) this.tables.notify();
    });
    await this.#purge();
  }

  async stop(): Promise<void> {
    this.#cancelPurge();
    this.#stopping.abort();
    this.#connections.cutAll();
    await this.#running;
  }

  async list(): Promise<NetworkInfo[]> {
    return (await this.#components.store.list(networkBucket)).map(({ value }) => infoOf(value));
  }

  async get(networkId: string): Promise<NetworkInfo> {
    return infoOf(await this.#find(networkId));
  }

  async create(wanted: { ip: string; mask?: string; gateway?: string }): Promise<NetworkInfo> {
    const { store, newId, clock } = this.#components;
    const record = { id: newId(), ...planNetwork(wanted), nodes: [], createdAt: clock.now() };
    await store.transact(async (tx) => {
      if ((await tx.list(networkBucket)).length >= MAX_NETWORKS)
        throw new VpnError('ERR_VPN_LIMIT', `There are ${MAX_NETWORKS} networks already`);
      tx.put(networkBucket, record.id, record);
      tx.emit({
        type: 'vpn.network-created',
        subject: record.id,
        data: { ip: record.ip, mask: record.mask },
      });
    });
    return infoOf(record);
  }

  async remove(networkId: string): Promise<void> {
    await this.#components.store.transact(async (tx) => {
      await networkIn(tx, networkId);
      tx.delete(networkBucket, networkId);
      tx.emit({ type: 'vpn.network-removed', subject: networkId, data: {} });
    });
    this.#connections.cut(networkId);
    this.tables.notify();
  }

  async nodes(networkId: string): Promise<readonly NetworkNode[]> {
    return (await this.#find(networkId)).nodes;
  }

  async addNode(networkId: string, node: NetworkNode): Promise<void> {
    await this.#change(networkId, (network) => withNode(network, node));
  }

  async removeNode(networkId: string, nodeId: string): Promise<void> {
    let removed: string[] = [];
    await this.#change(networkId, ({ nodes }) => {
      removed = nodes.filter(({ id }) => sameNode(id, nodeId)).map(({ ip }) => ip);
      if (removed.length === 0)
        throw new VpnError('ERR_VPN_NOT_FOUND', `There is no node ${nodeId.slice(0, 64)} in the network`, {
          nodeId,
        });
      return nodes.filter(({ id }) => !sameNode(id, nodeId));
    });
    this.#connections.cut(networkId, removed);
  }

  connections(networkId: string): ReturnType<Networks['connections']> {
    return this.#connections.of(networkId);
  }

  async connect(networkId: string, ip: string, port: number, signal?: AbortSignal): Promise<PeerStream> {
    const { nodes } = await this.tables.tableOf(networkId);
    const node = nodes.find((each) => each.ip === ip);
    if (node === undefined)
      throw new VpnError('ERR_VPN_NO_ROUTE', `No node of the network has ${ip} now`, { networkId, ip });
    const own = (await this.nodes(networkId)).find(({ id }) => sameNode(id, this.#components.address));
    return this.#connections.connect(networkId, node, { localIp: own?.ip ?? '0.0.0.0', port }, signal);
  }

  #find(networkId: string): Promise<NetworkRecord> {
    return networkIn(this.#components.store, networkId);
  }

  async #change(
    networkId: string,
    change: (network: NetworkRecord) => NetworkRecord['nodes'],
  ): Promise<void> {
    await this.#components.store.transact(async (tx) => {
      const network = await networkIn(tx, networkId);
      const nodes = change(network);
      if (nodes !== network.nodes) putNodes(tx, network, nodes);
    });
    this.tables.notify();
  }

  async #purge(): Promise<void> {
    const { store, clock, peerOf, logger } = this.#components;
    for (const { id, value } of await store.list(networkBucket)) {
      if (clock.now() - value.createdAt < KEEP_MS) continue;
      const peers = await Promise.all(value.nodes.map((node) => peerOf(node.id)));
      if (peers.some((peer) => peer !== undefined)) continue;
      await this.remove(id).catch((err: unknown) =>
        logger.warn({ networkId: id, err }, 'an old network stays'),
      );
    }
    const again = (): void =>
      void this.#purge().catch((err: unknown) => logger.warn({ err }, 'old networks stay'));
    this.#cancelPurge = clock.setTimer(again, PURGE_INTERVAL_MS);
  }
}

/** @throws VpnError where there is none, as there is none under what can be no id */
async function networkIn(books: Pick<Transaction, 'get'>, networkId: string): Promise<NetworkRecord> {
  const isId = problems(NetworkId, networkId).length === 0;
  const network = isId ? await books.get(networkBucket, networkId) : undefined;
  if (network === undefined) throw noNetwork(networkId);
  return network;
}

function putNodes(tx: Transaction, network: NetworkRecord, nodes: NetworkRecord['nodes']): void {
  tx.put(networkBucket, network.id, { ...network, nodes });
  tx.emit({ type: 'vpn.nodes-changed', subject: network.id, data: { nodes: nodes.map(({ ip }) => ip) } });
}

function infoOf({ id, ip, mask, gateway }: NetworkRecord): NetworkInfo {
  return { id, ip, mask, ...(gateway !== undefined && { gateway }) };
}
