import { readControl } from '../../shared/control-file.ts';
import type { ContainerCgroup } from './container-cgroup.ts';

/** Bytes since the container began. */
export interface NetworkTraffic {
  readonly inBytes: bigint;
  readonly outBytes: bigint;
}

/**
 * What has gone through a container's network interfaces, as the kernel counts it; what it says to itself is no traffic.
 * Undefined when none of its processes is to be seen from here.
 */
export function trafficOf(cgroup: Pick<ContainerCgroup, 'processes'>): NetworkTraffic | undefined {
  const pid = cgroup.processes().find((candidate) => candidate > 0);
  if (pid === undefined) return undefined;
  const table = readControl(`/proc/${pid}/net/dev`);
  // A number that has been given to another process meanwhile would tell of the host's network.
  return table === undefined || !cgroup.processes().includes(pid) ? undefined : parseTraffic(table);
}

/** Of the kernel's table: `  eth0: <bytes in> <7 more> <bytes out> <7 more>`, a line an interface, below two of headings. */
export function parseTraffic(table: string): NetworkTraffic {
  let inBytes = 0n;
  let outBytes = 0n;
  for (const line of table.split('\n')) {
    const [, name, figures = ''] = /^\s*(\S+):\s*([\d\s]+)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const columns = figures.trim().split(/\s+/);
    inBytes += BigInt(columns[0] ?? '0');
    outBytes += BigInt(columns[8] ?? '0');
  }
  return { inBytes, outBytes };
}
