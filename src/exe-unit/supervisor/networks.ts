import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import { MAX_NETWORK_PREFIX, MIN_NETWORK_PREFIX, type DeployNetwork } from '../../interface/vpn.ts';
import {
  isHost,
  isReserved,
  isWithin,
  overlap,
  parseIpv4,
  prefixOf,
  subnetOf,
  type Subnet,
} from '../../util/ipv4.ts';
import { ExeUnitError } from '../errors.ts';

/** @throws ExeUnitError ERR_EXE_UNIT_NETWORK_UNSUPPORTED, ERR_EXE_UNIT_NETWORK_INVALID */
export function checkNetworks(
  networks: readonly DeployNetwork[],
  { supports, descriptor }: Pick<ExeUnitRuntime, 'supports' | 'descriptor'>,
): void {
  if (networks.length === 0) return;
  if (!supports.networks) {
    throw new ExeUnitError(
      'ERR_EXE_UNIT_NETWORK_UNSUPPORTED',
      `The runtime ${descriptor.name} has no networks between activities`,
      { runtime: descriptor.name },
    );
  }
  const subnets = networks.map(checkNetwork);
  for (const [index, subnet] of subnets.entries()) {
    const other = subnets.slice(0, index).findIndex((before) => overlap(before, subnet));
    if (other >= 0) throw invalid(networks[index], `it overlaps with ${networks[other]?.id ?? ''}`);
  }
}

function checkNetwork(network: DeployNetwork): Subnet {
  const [ip, mask, nodeIp] = [network.ip, network.mask, network.nodeIp].map(parseIpv4);
  if (ip === undefined || mask === undefined || nodeIp === undefined)
    throw invalid(network, 'an address is none');
  const prefix = prefixOf(mask);
  if (prefix === undefined || prefix < MIN_NETWORK_PREFIX || prefix > MAX_NETWORK_PREFIX)
    throw invalid(network, `${network.mask} is no mask of a network`);
  const subnet = subnetOf(ip, prefix);
  if (isReserved(subnet)) throw invalid(network, `${network.ip} is reserved for other ends`);
  if (!isHost(subnet, nodeIp)) throw invalid(network, `${network.nodeIp} is no address of a node in it`);
  for (const text of Object.keys(network.nodes)) {
    const address = parseIpv4(text);
    if (address === undefined || !isWithin(subnet, address)) throw invalid(network, `${text} is not in it`);
  }
  return subnet;
}

function invalid(network: DeployNetwork | undefined, why: string): ExeUnitError {
  const id = network?.id ?? '';
  return new ExeUnitError('ERR_EXE_UNIT_NETWORK_INVALID', `The network ${id} cannot be: ${why}`, {
    network: id,
  });
}
