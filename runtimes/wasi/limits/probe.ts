import path from 'node:path';
import { cgroupV1 } from './cgroup-v1.ts';
import { cgroupV2 } from './cgroup-v2.ts';
import type { CgroupTree, Controller } from './cgroup.ts';
import { canMakeGroups, readControl, writeControl } from '../../shared/control-file.ts';

/** Where the kernel says what is mounted and which groups we are in; other files in tests. */
export interface CgroupSources {
  readonly mountInfo: string;
  readonly ownGroups: string;
  /** Unlike that of any other process. */
  readonly probeName: string;
}

const cgroupSources = (): CgroupSources => ({
  mountInfo: readControl('/proc/self/mountinfo') ?? '',
  ownGroups: readControl('/proc/self/cgroup') ?? '',
  probeName: `ergon-probe-${process.pid}`,
});

const V1_CONTROLLERS: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'];
/** Controllers of version 2 that have to be switched on; it always counts CPU time and freezes. */
const V2_CONTROLLERS: readonly Controller[] = ['cpu', 'memory', 'pids'];

interface Mount {
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

/**
 * Finds where on this machine we may make control groups, by making one. Undefined when nowhere, or when what there
 * is does not even limit memory.
 */
export function probeCgroups(sources: CgroupSources = cgroupSources()): CgroupTree | undefined {
  const mounts = parseMounts(sources.mountInfo);
  return probeV1(mounts, sources) ?? probeV2(mounts, sources);
}

function probeV1(mounts: readonly Mount[], sources: CgroupSources): CgroupTree | undefined {
  const bases = new Map<Controller, string>();
  for (const controller of V1_CONTROLLERS) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    if (mount === undefined) continue;
    const own = ownGroup(sources.ownGroups, (names) => names.includes(controller));
    // In a container our own group may not be there under the name that the kernel gives it.
    const candidates = [path.join(mount.mountPoint, own), mount.mountPoint];
    const base = candidates.find((directory) => canMakeGroups(directory, sources.probeName));
    if (base !== undefined) bases.set(controller, base);
  }
  return bases.has('memory') ? cgroupV1(bases) : undefined;
}

function probeV2(mounts: readonly Mount[], sources: CgroupSources): CgroupTree | undefined {
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  if (mount === undefined) return undefined;
  const own = path.join(
    mount.mountPoint,
    ownGroup(sources.ownGroups, (names) => names.join() === ''),
  );
  // Only what is ours is ours to change.
  for (const controller of missingControllers(own)) {
    writeControl(path.join(own, 'cgroup.subtree_control'), `+${controller}`);
  }
  // A group that has processes cannot have controllers for groups below it, so beside ours may be the place.
  for (const directory of new Set([own, path.dirname(own), mount.mountPoint])) {
    if (!directory.startsWith(mount.mountPoint)) continue;
    const on = controllersBelow(directory);
    if (!on.includes('memory') || !canMakeGroups(directory, sources.probeName)) continue;
    const switched = V2_CONTROLLERS.filter((controller) => on.includes(controller));
    return cgroupV2(directory, new Set<Controller>([...switched, 'cpuacct', 'freezer']));
  }
  return undefined;
}

function controllersBelow(directory: string): string[] {
  return (readControl(path.join(directory, 'cgroup.subtree_control')) ?? '').split(' ');
}

function missingControllers(directory: string): Controller[] {
  const on = controllersBelow(directory);
  return V2_CONTROLLERS.filter((controller) => !on.includes(controller));
}

/** Lines of mountinfo: `… mount-point … - type source options`. */
function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4];
    const [type = '', , options = ''] = after.split(' ');
    return mountPoint === undefined ? [] : [{ mountPoint, type, options: options.split(',') }];
  });
}

/** Lines of /proc/self/cgroup: `id:controllers:path`. */
function ownGroup(text: string, isIt: (controllers: readonly string[]) => boolean): string {
  const lines = text.split('\n').map((line) => line.split(':'));
  const [, , ...group] = lines.find(([, controllers = '']) => isIt(controllers.split(','))) ?? [];
  return group.join(':') === '' ? '/' : group.join(':');
}
