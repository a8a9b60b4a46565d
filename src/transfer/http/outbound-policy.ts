import { BlockList, isIP, isIPv4 } from 'node:net';
import { PUBLIC_V6, SPECIAL_V4, SPECIAL_V6 } from '../../util/special-networks.ts';
import { TransferError } from '../errors.ts';

export interface OutboundPolicyInit {
  /** Names (`files.example.org`, `*.example.org`), addresses and networks (`10.1.0.0/16`) that are allowed all the same. */
  readonly allowHosts: readonly string[];
  /** The machine's own addresses: what listens on them may trust that nobody else gets there. */
  readonly localAddresses: () => readonly string[];
}

/** Which servers strangers may have this node connect to. */
export interface OutboundPolicy {
  /**
   * Those of a host's addresses that may be connected to.
   * @throws TransferError ERR_TRANSFER_FORBIDDEN_ADDRESS when there is none
   */
  permitted(host: string, addresses: readonly string[]): string[];
}

/** Which addresses strangers may have this node connect to. */
export function outboundPolicy(init: OutboundPolicyInit): OutboundPolicy {
  const specialV4 = networks(SPECIAL_V4);
  const publicV6 = networks(PUBLIC_V6);
  const specialV6 = networks(SPECIAL_V6);
  const allowed = networks(init.allowHosts.filter(isNetwork));
  const names = init.allowHosts.filter((host) => !isNetwork(host)).map((host) => host.toLowerCase());
  const isPublic = (address: string): boolean => {
    if (init.localAddresses().includes(address)) return false;
    if (isIPv4(address)) return !specialV4.check(address, 'ipv4');
    return isIP(address) === 6 && publicV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6');
  };
  const isAllowed = (address: string): boolean =>
    isIP(address) !== 0 && allowed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  return {
    permitted(host, addresses) {
      const isNamed = names.some((name) => matches(name, host.toLowerCase()));
      const found = addresses.filter((address) => isNamed || isAllowed(address) || isPublic(address));
      if (found.length > 0) return found;
      const message = `${host} leads to ${addresses.join(', ') || 'no address'}, where this node does not connect to`;
      throw new TransferError('ERR_TRANSFER_FORBIDDEN_ADDRESS', message.slice(0, 500), {
        host: host.slice(0, 256),
      });
    },
  };
}

function isNetwork(host: string): boolean {
  const [address = '', prefix] = host.split('/');
  const version = isIP(address);
  if (version === 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function networks(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const network of list) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) found.addAddress(address, family);
    else found.addSubnet(address, Number(prefix), family);
  }
  return found;
}

function matches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : pattern === host;
}
