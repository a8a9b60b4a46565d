import type { DeployNetwork } from '../../interface/index.ts';
import { isHost, parseIpv4, prefixOf, subnetOf } from '../../util/ipv4.ts';
import { sameNode, type Table, type TableNode } from '../wire.ts';

/** What one activity knows of its network: who owns which address. */
export class MemberTable {
  /** The activity's own address. */
  readonly ip: number;
  readonly #subnet: { readonly base: number; readonly prefix: number };
  #nodes: ReadonlyMap<number, TableNode> = new Map();
  #tag: string | undefined;

  constructor({ ip, mask, nodeIp }: Pick<DeployNetwork, 'ip' | 'mask' | 'nodeIp'>) {
    this.ip = parseIpv4(nodeIp) ?? 0;
    this.#subnet = subnetOf(parseIpv4(ip) ?? 0, prefixOf(parseIpv4(mask) ?? 0) ?? 32);
  }

  /** The version of the table that is in force; undefined when none is known. */
  get tag(): string | undefined {
    return this.#tag;
  }

  learn({ tag, nodes }: Table): void {
    this.#tag = tag;
    this.#nodes = new Map(
      nodes.flatMap((node) => {
        const address = parseIpv4(node.ip);
        return address !== undefined && isHost(this.#subnet, address) ? [[address, node] as const] : [];
      }),
    );
  }

  /** The network is gone, or this activity is not in it any more. */
  forget(): void {
    this.#tag = undefined;
    this.#nodes = new Map();
  }

  /** Where a packet of this activity goes; undefined when it may not: a foreign source, or nobody there. */
  route({ source, destination }: { source: number; destination: number }): TableNode | undefined {
    return source === this.ip && destination !== this.ip ? this.#nodes.get(destination) : undefined;
  }

  /** Whether a packet from this node may come in. */
  admits({ source, destination }: { source: number; destination: number }, sender: string): boolean {
    const node = this.#nodes.get(source);
    return (
      destination === this.ip && source !== this.ip && node !== undefined && sameNode(node.address, sender)
    );
  }

  /** Whether the node has any address here. */
  has(sender: string): boolean {
    return [...this.#nodes.values()].some(({ address }) => sameNode(address, sender));
  }

  get nodes(): readonly TableNode[] {
    return [...this.#nodes.values()];
  }
}
