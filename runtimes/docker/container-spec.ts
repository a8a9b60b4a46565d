import os from 'node:os';
import type Dockerode from 'dockerode';
import path from 'node:path';
import type { DeploySpec } from '../../src/interface/exe-unit-runtime.ts';
import type { DockerSettings } from './options.ts';
import type { WorkDir } from './work-dir.ts';

/** Where the container sees the whole of its volume. */
export const VOLUME_MOUNT = '/volume';
export const DEFAULT_CWD = '/golem/work';
/**
 * Directories of the volume in every container. Each of Golem's by itself: what an image has beside them in `/golem` is
 * the image's. `/tmp` is no memory, so that transfers find there what programs do.
 */
export const OWN_DIRECTORIES = [
  DEFAULT_CWD,
  '/golem/input',
  '/golem/output',
  '/golem/resource',
  '/tmp',
] as const;
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const GUEST_MOUNT = '/.ergon';
const INIT = `${GUEST_MOUNT}/init`;

/** The engine takes no less. */
const MIN_MEMORY_BYTES = 6 << 20;
const MAX_SHM_BYTES = 64 << 20;
const NANO = 1_000_000_000;
const SHARES_PER_THREAD = 1024;

export const LABELS = {
  /** Present on every container of ours. */
  node: 'ergon.node',
  agreement: 'ergon.agreement',
  activity: 'ergon.activity',
  attempt: 'ergon.attempt',
} as const;

/** Whose containers these are when nobody says it: the directory of all activities of this node. */
function nodeOf(spec: Pick<DeploySpec, 'nodeId' | 'workDir'>): string {
  return spec.nodeId ?? path.dirname(spec.workDir);
}

/** What of an image its containers depend on. */
export interface ContainerImage {
  readonly id: string;
  /** What the engine calls it. */
  readonly names: readonly string[];
  readonly env: readonly string[];
  /** Never empty. */
  readonly workingDir: string;
  /** Writable directories: those that are always there, and what the image declares. */
  readonly ownVolumes: readonly string[];
  /** With those that the deployment asks for. */
  readonly volumes: readonly string[];
}

/** A directory of the machine, for a program that its owner runs by himself. */
export interface LocalMount {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly readOnly?: boolean;
}

/** In bytes: the limit that was asked for, or the least that an engine accepts. */
export function memoryLimit(memoryBytes: number): number {
  return Math.max(MIN_MEMORY_BYTES, memoryBytes);
}

/** A deployment's container, with every wall that the engine can build. */
export function containerSpec(
  spec: DeploySpec,
  image: ContainerImage,
  workDir: WorkDir,
  settings: DockerSettings,
  local: readonly LocalMount[] = [],
): Dockerode.ContainerCreateOptions {
  return {
    Image: image.id,
    Hostname: 'ergon',
    User: settings.user,
    Entrypoint: [INIT, String(settings.orphanGraceSeconds)],
    Cmd: [],
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: image.workingDir,
    Labels: labelsOf(spec),
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: 1,
    HostConfig: {
      // Supervisors die with the daemon's own container, which may never be started again to remove these.
      AutoRemove: isInContainer(settings),
      ...limits(spec, settings),
      ...walls(spec, settings),
      ExtraHosts: Object.entries(spec.hosts ?? {}).map(([name, ip]) => `${name}:${ip}`),
      // This kind of mount fails, rather than makes the directory, when the source is not there.
      Mounts: mounts(image, workDir, settings, local),
    },
  };
}

/**
 * A container that never runs: through it the engine shows what the image has. What is mounted in memory is mounted only
 * when a container runs, so that the engine makes no volume, without any limit, for what the image declares as one.
 */
export function contentsSpec(
  spec: DeploySpec,
  image: ContainerImage,
  settings: DockerSettings,
): Dockerode.ContainerCreateOptions {
  return {
    Image: image.id,
    User: settings.user,
    Entrypoint: [INIT],
    Cmd: [],
    Labels: labelsOf(spec),
    HostConfig: {
      ...walls({ ...spec, network: false }, settings),
      Mounts: image.volumes.map((Target) => ({ Type: 'tmpfs', Source: '', Target })),
    },
  };
}

function hasNetwork(spec: DeploySpec, settings: DockerSettings): boolean {
  return spec.network === true && settings.network !== undefined;
}

function isInContainer({ hostPaths }: DockerSettings): boolean {
  return Object.keys(hostPaths).length > 0;
}

function labelsOf(spec: DeploySpec): Record<string, string> {
  return {
    [LABELS.node]: nodeOf(spec),
    [LABELS.agreement]: spec.agreementId ?? '',
    [LABELS.activity]: spec.activityId,
    [LABELS.attempt]: String(spec.attempt ?? 1),
  };
}

function limits({ resources }: DeploySpec, settings: DockerSettings): Dockerode.HostConfig {
  const memoryBytes = memoryLimit(resources.memoryBytes);
  const threads = Math.min(resources.cpuThreads, os.cpus().length);
  const ulimit = (Name: string, value: number): Dockerode.Ulimit => ({ Name, Soft: value, Hard: value });
  return {
    Memory: memoryBytes,
    // Memory and swap together: no swap.
    MemorySwap: memoryBytes,
    NanoCpus: threads * NANO,
    CpuShares: threads * SHARES_PER_THREAD,
    PidsLimit: settings.pidsLimit,
    ShmSize: Math.min(MAX_SHM_BYTES, Math.floor(memoryBytes / 2)),
    OomKillDisable: false,
    Ulimits: [
      ulimit('nofile', settings.openFilesLimit),
      ulimit('core', 0),
      // One file can never fill the volume past its quota, however fast it is written.
      ulimit('fsize', resources.storageBytes),
    ],
  };
}

function walls(spec: DeploySpec, settings: DockerSettings): Dockerode.HostConfig & { CgroupnsMode: string } {
  return {
    CapDrop: ['ALL'],
    Privileged: false,
    SecurityOpt: ['no-new-privileges:true'],
    ReadonlyRootfs: true,
    NetworkMode: hasNetwork(spec, settings) ? (settings.network ?? 'none') : 'none',
    IpcMode: 'private',
    CgroupnsMode: 'private',
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    ...(settings.engineRuntime === undefined ? {} : { Runtime: settings.engineRuntime }),
  };
}

function mounts(
  image: ContainerImage,
  workDir: WorkDir,
  settings: DockerSettings,
  local: readonly LocalMount[],
): Dockerode.MountSettings[] {
  const bind = (source: string, target: string, readOnly = false): Dockerode.MountSettings => ({
    Type: 'bind',
    Source: hostPath(source, settings),
    Target: target,
    ReadOnly: readOnly,
  });
  return [
    bind(workDir.guest, GUEST_MOUNT, !needsWritableMounts(settings)),
    bind(workDir.volumes, VOLUME_MOUNT),
    // A directory before what lies in it; the engine takes one mount for each place.
    ...image.volumes
      .filter((target) => !local.some(({ guestPath }) => guestPath === target))
      .sort()
      .map((target) => bind(path.join(workDir.volumes, target), target)),
    ...localMounts(local),
  ];
}

function localMounts(local: readonly LocalMount[]): Dockerode.MountSettings[] {
  return local.map(({ hostPath: source, guestPath, readOnly = false }) => ({
    Type: 'bind',
    Source: path.resolve(source),
    Target: guestPath,
    ReadOnly: readOnly,
  }));
}

/**
 * gVisor refuses to write into a pipe of a read-only mount, which Linux does not. The directory is root's, and its
 * guests are not, so that they cannot change it all the same.
 */
function needsWritableMounts({ engineRuntime }: DockerSettings): boolean {
  return engineRuntime === 'runsc' && process.getuid?.() === 0;
}

/** Our path as the engine knows it: another one when this process runs in a container itself. */
function hostPath(own: string, { hostPaths }: DockerSettings): string {
  const known = Object.entries(hostPaths)
    .filter(([from]) => own === from || own.startsWith(`${from}/`))
    .sort(([a], [b]) => b.length - a.length)[0];
  return known === undefined ? own : known[1] + own.slice(known[0].length);
}
