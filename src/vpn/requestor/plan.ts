import {
  MAX_NETWORK_NODES,
  MAX_NETWORK_PREFIX,
  MIN_NETWORK_PREFIX,
  type NetworkNode,
} from '../../interface/index.ts';
import {
  formatIpv4,
  isHost,
  isReserved,
  isWithin,
  maskOf,
  parseIpv4,
  prefixOf,
  subnetOf,
  type Subnet,
} from '../../util/ipv4.ts';
import { VpnError } from '../errors.ts';
import type { NetworkRecord } from '../records.ts';
import { sameNode } from '../wire.ts';

const DEFAULT_PREFIX = 24;

/** The network that a client asks for: an address of it, with the prefix behind it or the mask beside it. */
export function planNetwork({
  ip,
  mask,
  gateway,
}: {
  readonly ip: string;
  readonly mask?: string;
  readonly gateway?: string;
}): Pick<NetworkRecord, 'ip' | 'mask' | 'gateway'> {
  const [text = '', bits] = ip.split('/', 2);
  const address = parseIpv4(text);
  if (address === undefined) throw invalid(`${ip} is no IPv4 address`);
  const prefix = prefixFrom(mask, bits);
  if (prefix === undefined || prefix < MIN_NETWORK_PREFIX || prefix > MAX_NETWORK_PREFIX)
    throw invalid(
      `${mask ?? bits ?? ''} is no mask of a network, which has ${MIN_NETWORK_PREFIX} to ${MAX_NETWORK_PREFIX} bits`,
    );
  const subnet = subnetOf(address, prefix);
  if (isReserved(subnet)) throw invalid(`${formatIpv4(subnet.base)}/${prefix} is reserved for other ends`);
  if (gateway !== undefined && !isHost(subnet, parseIpv4(gateway) ?? -1))
    throw invalid(`The gateway ${gateway} is no address of a node in the network`);
  return {
    ip: formatIpv4(subnet.base),
    mask: formatIpv4(maskOf(subnet)),
    ...(gateway !== undefined && { gateway }),
  };
}

/** The nodes with one more; the same ones when it is there already. @throws VpnError */
export function withNode(network: NetworkRecord, { id, ip }: NetworkNode): NetworkRecord['nodes'] {
  const subnet = subnetOfNetwork(network);
  const address = parseIpv4(ip);
  if (address === undefined || !isWithin(subnet, address) || !isHost(subnet, address))
    throw invalid(`${ip} is no address of a node in ${network.ip}/${subnet.prefix}`);
  const holder = network.nodes.find((node) => node.ip === ip);
  if (holder !== undefined && sameNode(holder.id, id)) return network.nodes;
  if (holder !== undefined)
    throw new VpnError('ERR_VPN_ADDRESS_TAKEN', `${ip} is the address of ${holder.id}`, {
      ip,
      node: holder.id,
    });
  if (network.nodes.length >= MAX_NETWORK_NODES)
    throw new VpnError('ERR_VPN_LIMIT', `A network has at most ${MAX_NETWORK_NODES} nodes`);
  return [...network.nodes, { id: id.toLowerCase(), ip }];
}

function subnetOfNetwork({ ip, mask }: Pick<NetworkRecord, 'ip' | 'mask'>): Subnet {
  return subnetOf(parseIpv4(ip) ?? 0, prefixOf(parseIpv4(mask) ?? 0) ?? 32);
}

function prefixFrom(mask: string | undefined, bits: string | undefined): number | undefined {
  if (mask !== undefined) return prefixOf(parseIpv4(mask) ?? -1);
  if (bits === undefined) return DEFAULT_PREFIX;
  return /^[0-9]{1,2}$/.test(bits) ? Number(bits) : undefined;
}

function invalid(message: string): VpnError {
  return new VpnError('ERR_VPN_INVALID', message);
}
