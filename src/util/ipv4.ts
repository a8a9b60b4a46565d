/** IPv4 addresses as numbers, and the subnets that they make. */
const ADDRESS = /^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$/;
const ALL = 2 ** 32 - 1;
const BITS = 32;

/** Undefined for anything but four decimal numbers from 0 to 255. */
export function parseIpv4(text: string): number | undefined {
  const octets = ADDRESS.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** Dotted text of an address. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** The first address and the number of its leading bits that all have in common. */
export interface Subnet {
  readonly base: number;
  readonly prefix: number;
}

/** The mask of a subnet, as a number. */
export function maskOf({ prefix }: Pick<Subnet, 'prefix'>): number {
  return prefix === 0 ? 0 : (ALL << (BITS - prefix)) >>> 0;
}

/** The subnet that an address lies in. */
export function subnetOf(address: number, prefix: number): Subnet {
  return { base: (address & maskOf({ prefix })) >>> 0, prefix };
}

/** The number of leading ones of a mask; undefined when another one follows a zero. */
export function prefixOf(mask: number): number | undefined {
  for (let prefix = 0; prefix <= BITS; prefix += 1) if (maskOf({ prefix }) === mask) return prefix;
  return undefined;
}

/** Whether an address lies in a subnet. */
export function isWithin(subnet: Subnet, address: number): boolean {
  return (address & maskOf(subnet)) >>> 0 === subnet.base;
}

/** One that a host can have: neither the first address, which names the subnet, nor the last, which means all. */
export function isHost(subnet: Subnet, address: number): boolean {
  return isWithin(subnet, address) && address !== subnet.base && address !== lastOf(subnet);
}

/** Whether two subnets have an address in common. */
export function overlap(a: Subnet, b: Subnet): boolean {
  return isWithin(a, b.base) || isWithin(b, a.base);
}

/** The last address of a subnet. */
export function lastOf(subnet: Subnet): number {
  return (subnet.base | ~maskOf(subnet)) >>> 0;
}

const RESERVED: readonly Subnet[] = [
  // This host, loopback, link-local, and from multicast on.
  { base: 0, prefix: 8 },
  { base: 127 * 2 ** 24, prefix: 8 },
  { base: (169 * 256 + 254) * 2 ** 16, prefix: 16 },
  { base: 224 * 2 ** 24, prefix: 3 },
];

/** Whether hosts can be numbered with its addresses at all. */
export function isReserved(subnet: Subnet): boolean {
  return RESERVED.some((reserved) => overlap(reserved, subnet));
}
