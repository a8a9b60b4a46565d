import { existsSync } from 'node:fs';
import path from 'node:path';
import { readControl, readKey, readNumber, readPids } from '../../shared/control-file.ts';

/** What the kernel says of one container. A number is undefined when the group is gone. */
export interface ContainerCgroup {
  readonly version: 1 | 2;
  cpuNs(): bigint | undefined;
  /** Without what the kernel could take back at once. */
  memoryBytes(): number | undefined;
  memoryPeakBytes(): number | undefined;
  /** Processes killed for want of memory. */
  oomKills(): number;
  /** Forks refused because of the limit. */
  pidsRefused(): number;
  /** Host's numbers of its processes. */
  processes(): number[];
}

/** By what the control group of a container is found. */
export interface CgroupPlace {
  /** Where the control groups are mounted. */
  readonly root: string;
  readonly container: string;
  /** The host's number of the container's init. */
  readonly pid: number;
}

/** Names under which engines put a container's group, when its process cannot be looked up. */
const PLACES = (container: string): string[] => [
  `/docker/${container}`,
  `/system.slice/docker-${container}.scope`,
];

/** Undefined when this process does not see the container's group: it runs in a container without the host's. */
export function findCgroup(place: CgroupPlace): ContainerCgroup | undefined {
  return findV1(place) ?? findV2(place);
}

/** Whether there is anything to find at all. */
export function hasCgroups(root: string): boolean {
  return existsSync(path.join(root, 'memory')) || existsSync(path.join(root, 'cgroup.controllers'));
}

function findV1({ root, container, pid }: CgroupPlace): ContainerCgroup | undefined {
  const groups = groupsOf(pid, container);
  const locate = (controller: string, file: string): string | undefined =>
    [groups.get(controller), ...PLACES(container)]
      .filter((place) => place !== undefined)
      .flatMap((place) => [controller, 'cpu,cpuacct'].map((mount) => path.join(root, mount, place)))
      .find((directory) => existsSync(path.join(directory, file)));
  const cpuacct = locate('cpuacct', 'cpuacct.usage');
  const memory = locate('memory', 'memory.usage_in_bytes');
  const pids = locate('pids', 'pids.current');
  if (cpuacct === undefined || memory === undefined) return undefined;
  return {
    version: 1,
    cpuNs: () => toBigInt(readControl(path.join(cpuacct, 'cpuacct.usage'))),
    memoryBytes: () =>
      less(
        readNumber(path.join(memory, 'memory.usage_in_bytes')),
        readKey(path.join(memory, 'memory.stat'), 'total_inactive_file'),
      ),
    memoryPeakBytes: () => readNumber(path.join(memory, 'memory.max_usage_in_bytes')),
    oomKills: () => readKey(path.join(memory, 'memory.oom_control'), 'oom_kill') ?? 0,
    pidsRefused: () => (pids === undefined ? 0 : (readKey(path.join(pids, 'pids.events'), 'max') ?? 0)),
    processes: () => readPids(path.join(memory, 'cgroup.procs')),
  };
}

function findV2({ root, container, pid }: CgroupPlace): ContainerCgroup | undefined {
  const directory = [groupsOf(pid, container).get(''), ...PLACES(container)]
    .filter((place) => place !== undefined)
    .map((place) => path.join(root, place))
    .find((candidate) => existsSync(path.join(candidate, 'cpu.stat')));
  if (directory === undefined) return undefined;
  const file = (name: string): string => path.join(directory, name);
  return {
    version: 2,
    cpuNs: () => {
      const usec = readKey(file('cpu.stat'), 'usage_usec');
      return usec === undefined ? undefined : BigInt(usec) * 1000n;
    },
    memoryBytes: () =>
      less(readNumber(file('memory.current')), readKey(file('memory.stat'), 'inactive_file')),
    memoryPeakBytes: () => readNumber(file('memory.peak')),
    oomKills: () => readKey(file('memory.events'), 'oom_kill') ?? 0,
    pidsRefused: () => readKey(file('pids.events'), 'max') ?? 0,
    processes: () => readPids(file('cgroup.procs')),
  };
}

/** Groups of a process by controller; empty when that number is another process here than it is to the engine. */
function groupsOf(pid: number, container: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of (readControl(`/proc/${pid}/cgroup`) ?? '').split('\n')) {
    const [, controllers, place] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || place?.includes(container) !== true) continue;
    for (const controller of controllers.split(',')) groups.set(controller, place);
  }
  return groups;
}

function less(total: number | undefined, reclaimable: number | undefined): number | undefined {
  return total === undefined ? undefined : Math.max(0, total - (reclaimable ?? 0));
}

function toBigInt(text: string | undefined): bigint | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : BigInt(text);
}
