import type { Clock, NetworkPeer, Protocol, RequestHandler, Sender, Store } from '../../interface/index.ts';
import { canonicalJson } from '../../util/canonical-json.ts';
import { delay } from '../../util/delay.ts';
import { sha256 } from '../../util/sha256.ts';
import { VpnError } from '../errors.ts';
import { networkBucket } from '../records.ts';
import { checkTableRequest, sameNode, VPN_PROTOCOL, type Table } from '../wire.ts';

/** How long a member's request is held open while its table has not changed. */
const HOLD_MS = 25_000;

export interface TablesComponents {
  readonly store: Store;
  readonly clock: Clock;
  /** Where a provider is with whom this node has an approved agreement; nobody else is in any network. */
  readonly peerOf: (address: string) => Promise<NetworkPeer | undefined>;
  /** This node's own. */
  readonly address: string;
}

/** Tells members who is in their network, as soon as it changes. */
export class Tables {
  readonly #components: TablesComponents;
  #changed = Promise.withResolvers<undefined>();

  constructor(components: TablesComponents) {
    this.#components = components;
  }

  /** Some network may have changed: members that wait are answered if theirs has. */
  notify(): void {
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }

  get protocol(): Protocol {
    const table = {
      check: checkTableRequest,
      handle: (request, sender, signal) => this.#answer(request, sender, signal),
    } satisfies RequestHandler<ReturnType<typeof checkTableRequest>>;
    // A protocol holds handlers of any request type; this one pairs its own check with its own answer.
    return { id: VPN_PROTOCOL, requests: { table: table as unknown as RequestHandler<never> } };
  }

  /** The nodes that can be reached, without this one, which takes no packets. @throws VpnError ERR_VPN_NOT_FOUND */
  async tableOf(networkId: string): Promise<Table> {
    const { store, address, peerOf } = this.#components;
    const network = await store.get(networkBucket, networkId);
    if (network === undefined) throw noNetwork(networkId);
    const nodes = await Promise.all(
      network.nodes
        .filter(({ id }) => !sameNode(id, address))
        .map(async ({ id, ip }) => {
          const peer = await peerOf(id);
          return peer === undefined
            ? []
            : [{ ip, address: id, peerId: peer.peerId, multiaddrs: [...peer.multiaddrs] }];
        }),
    );
    const found = nodes.flat();
    return { nodes: found, tag: sha256(canonicalJson(found)).toString('hex') };
  }

  async #answer(
    { networkId, known }: ReturnType<typeof checkTableRequest>,
    sender: Sender,
    signal: AbortSignal,
  ): Promise<Table> {
    const { clock } = this.#components;
    const until = clock.now() + HOLD_MS;
    for (;;) {
      const changed = this.#changed.promise;
      const table = await this.tableOf(networkId);
      if (!table.nodes.some(({ address }) => sameNode(address, sender.address))) throw noNetwork(networkId);
      const left = until - clock.now();
      if (table.tag !== known || left <= 0) return table;
      const over = new AbortController();
      await Promise.race([changed, delay(clock, left, AbortSignal.any([signal, over.signal]))]).finally(() =>
        over.abort(),
      );
    }
  }
}

export function noNetwork(networkId: string): VpnError {
  return new VpnError('ERR_VPN_NOT_FOUND', `There is no network ${networkId.slice(0, 64)} here for you`, {
    networkId,
  });
}
