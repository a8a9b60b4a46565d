import { isIPv4 } from 'node:net';
import { PUBLIC_V6, SPECIAL_V4, SPECIAL_V6 } from '../../../src/util/special-networks.ts';

/** What programs may connect to besides the public internet, and what they may not although it is part of it. */
export interface FenceInit {
  /** Addresses and networks. */
  readonly allow: readonly string[];
  /** The machine's own addresses. */
  readonly own: readonly string[];
}

/** For `iptables-restore`: a container reaches the public internet and nothing else. */
export function rulesV4({ allow, own }: FenceInit): string {
  return table('icmp-admin-prohibited', [
    ...allow.filter(isV4).map(accept),
    ...[...own.filter(isV4), ...SPECIAL_V4].map(refuse),
  ]);
}

/** The same for `ip6tables-restore`. */
export function rulesV6({ allow, own }: FenceInit): string {
  const isV6 = (network: string): boolean => !isV4(network);
  return table('icmp6-adm-prohibited', [
    // The kernel's own, without which nobody has neighbours.
    ...[133, 135, 136].map((type) => `-p ipv6-icmp --icmpv6-type ${type} -j ACCEPT`),
    ...allow.filter(isV6).map(accept),
    ...[...own.filter(isV6), ...SPECIAL_V6].map(refuse),
    ...PUBLIC_V6.map(accept),
    refuse('::/0'),
  ]);
}

const accept = (network: string): string => `-d ${network} -j ACCEPT`;
const refuse = (network: string): string => `-d ${network} -g ${REFUSED}`;
const REFUSED = 'ERGON-REFUSED';

function table(answer: string, rules: readonly string[]): string {
  // What it says to itself; and networks between activities, which have fences of their own.
  const all = ['-o lo -j ACCEPT', '-o vpn+ -j ACCEPT', ...rules];
  return [
    '*filter',
    `:${REFUSED} - [0:0]`,
    // So that a program hears of it at once.
    `-A ${REFUSED} -p tcp -j REJECT --reject-with tcp-reset`,
    `-A ${REFUSED} -j REJECT --reject-with ${answer}`,
    ...all.map((rule) => `-A OUTPUT ${rule}`),
    'COMMIT',
    '',
  ].join('\n');
}

function isV4(network: string): boolean {
  return isIPv4(network.split('/')[0] ?? '');
}
