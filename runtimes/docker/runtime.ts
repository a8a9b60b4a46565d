import { mkdir, rm } from 'node:fs/promises';
import type {
  DeploySpec,
  ExeUnitRuntime,
  Fingerprint,
  GuestView,
  NamedPackage,
  Reaped,
  ReapScope,
  RuntimeComponents,
  RuntimeDescriptor,
  RuntimeSupports,
} from '../../src/interface/exe-unit-runtime.ts';
import { RuntimeError } from '../errors.ts';
import { DeploymentsRuntime } from '../shared/deployments.ts';
import { killProcess } from '../shared/kill-process.ts';
import { containerName, contentsName } from './container-name.ts';
import {
  containerSpec,
  DEFAULT_CWD,
  memoryLimit,
  OWN_DIRECTORIES,
  VOLUME_MOUNT,
  type ContainerImage,
  type LocalMount,
} from './container-spec.ts';
import { Containers } from './containers.ts';
import { fillVolume } from './contents/fill-volume.ts';
import { Deployment } from './deployment.ts';
import { Engine } from './engine/engine.ts';
import { fingerprintOf } from './fingerprint.ts';
import { handles, type Handle } from './handle.ts';
import { ImageStore } from './image/image-store.ts';
import { deployVolumes, imageVolumes } from './image/image-volumes.ts';
import { namedImage } from './image/named-image.ts';
import { makeGuestDirectory } from './init/pipes.ts';
import { findCgroup } from './limits/container-cgroup.ts';
import { userOf, type DockerSettings } from './options.ts';
import { isFenced } from './outside/fence.ts';
import { reapOrphans } from './reaper.ts';
import { selfTest } from './self-test.ts';
import { containerNetwork } from './tunnel/tunnels.ts';
import { filesystemVolume } from './volume/filesystem-volume.ts';
import { measuredVolume } from './volume/measured-volume.ts';
import type { Volume, VolumeInit, VolumeKind } from './volume/volume.ts';
import { workDirOf, type WorkDir } from './work-dir.ts';
import { Surroundings } from './surroundings.ts';

const supports: RuntimeSupports = {
  signal: true,
  suspend: true,
  recover: true,
  cpuTimeLimit: true,
  memoryLimit: true,
  diskLimit: true,
  cpuShare: true,
  networks: true,
};

/** Container images, one hardened container for each activity. */
export class DockerRuntime extends DeploymentsRuntime<Deployment> implements ExeUnitRuntime {
  readonly descriptor: RuntimeDescriptor;
  readonly supports = supports;
  readonly needsService = true;
  readonly #settings: DockerSettings;
  readonly #mounts: readonly LocalMount[];
  readonly #components: RuntimeComponents;
  readonly #engine: Engine;
  readonly #containers: Containers;
  readonly #images: ImageStore;
  readonly #surroundings: Surroundings;

  /** `mounts`: what a program may see of the machine of whoever runs it by himself; no activity has any. */
  constructor(settings: DockerSettings, components: RuntimeComponents, mounts: readonly LocalMount[] = []) {
    super();
    this.#mounts = mounts;
    this.descriptor = components.descriptor;
    this.#settings = settings;
    this.#components = components;
    const { socketPath, enginePatienceMs: patienceMs } = settings;
    this.#engine = new Engine({ socketPath, patienceMs }, components);
    this.#containers = new Containers({ engine: this.#engine, clock: components.clock });
    this.#surroundings = new Surroundings(settings, this.#engine);
    this.#images = new ImageStore(settings, { engine: this.#engine, logger: components.logger });
  }

  fingerprint(): Promise<Fingerprint> {
    return fingerprintOf(this.#settings, { engine: this.#engine, surroundings: this.#surroundings });
  }

  selfTest(workDir: string): Promise<void> {
    return selfTest(this, workDir);
  }

  async deploy(spec: DeploySpec): Promise<string> {
    await this.#expectNetworks(spec);
    await this.#expectOutside(spec);
    const workDir = workDirOf(spec.workDir);
    const name = containerName(spec);
    const asked = deployVolumes(spec.volumes ?? []);
    const image = imageOf(await this.#images.provide(spec.packagePath), asked);
    // What a crash, or an earlier attempt, left of it.
    await this.#containers.remove(name);
    const volume = this.#volume(
      await this.#surroundings.volumeKind(),
      this.#volumeInit(spec.workDir, spec.resources.storageBytes),
    );
    await mkdir(workDir.runtime, { recursive: true });
    await volume.prepare();
    await this.#fill(volume, spec, image);
    await makeGuestDirectory(workDir.guest);
    const container = await this.#create(name, spec, image, workDir);
    const handle: Handle = {
      version: 1,
      container,
      workDir: spec.workDir,
      memoryBytes: memoryLimit(spec.resources.memoryBytes),
      storageBytes: spec.resources.storageBytes,
      pidsLimit: this.#settings.pidsLimit,
      ...userOf(this.#settings),
      volume: volume.kind,
      directories: [...image.volumes],
      workingDirectory: image.workingDir,
      ...this.#fenceOf(spec),
      ...(spec.networks !== undefined && { networks: spec.networks.map(containerNetwork) }),
    };
    const encoded = handles.encode(handle);
    this.deployments.set(encoded, this.#deployment(handle));
    return encoded;
  }

  async start(handle: string): Promise<void> {
    return this.deployed(handle, (deployment) => deployment.start());
  }

  volumeRoot(handle: string): string {
    return workDirOf(handles.decode(handle).workDir).volumes;
  }

  async guestView(handle: string): Promise<GuestView> {
    const { directories = OWN_DIRECTORIES, workingDirectory = DEFAULT_CWD } = handles.decode(handle);
    const own = directories.map((directory) => ({ guestPath: directory, volumePath: directory }));
    return { workingDirectory, directories: [...own, { guestPath: VOLUME_MOUNT, volumePath: '/' }] };
  }

  async destroy(encoded: string): Promise<void> {
    const handle = handles.decode(encoded);
    const deployment = this.deployments.get(encoded) ?? this.#deployment(handle);
    deployment.noteRemoval();
    await deployment.disconnect();
    // Without asking init first: it is the guest's, and may not obey.
    await this.#containers.remove(handle.container);
    this.#killForgotten(handle.container);
    deployment.release();
    this.deployments.delete(encoded);
    await deployment.volume.remove();
    await rm(workDirOf(handle.workDir).guest, { recursive: true, force: true });
  }

  async discard(place: Pick<DeploySpec, 'activityId' | 'workDir'>): Promise<void> {
    await this.#containers.remove(containerName(place));
    await this.#containers.remove(contentsName(place));
    // Measured volumes are directories; whichever kind it was to be, a mount there is its own.
    await filesystemVolume(this.#volumeInit(place.workDir, 0)).remove();
    await rm(workDirOf(place.workDir).guest, { recursive: true, force: true });
  }

  async packageOf(name: string): Promise<NamedPackage | undefined> {
    return namedImage(this.#engine, name);
  }

  async recover(encoded: string): Promise<boolean> {
    const handle = handles.decode(encoded);
    const found = await this.#engine.inspectContainer(handle.container);
    if (found?.State.Running !== true) return false;
    const deployment = this.#deployment(handle);
    await deployment.start();
    // The command that was under way went on without anybody who read its output.
    await deployment.stop();
    this.deployments.set(encoded, deployment);
    return true;
  }

  reap(scope: ReapScope): Promise<Reaped> {
    return reapOrphans(this.#settings, scope, this.#components);
  }

  async #expectNetworks({ networks }: DeploySpec): Promise<void> {
    if (networks === undefined) return;
    const why = await this.#surroundings.whyNoNetworks();
    if (why !== undefined)
      throw new RuntimeError('ERR_RUNTIME_NETWORK', `No network can be brought into a container: ${why}`);
  }

  /** What was agreed on holds, or the activity does not start: the options may be others by now. */
  async #expectOutside({ network }: DeploySpec): Promise<void> {
    if (network !== true) return;
    const why =
      this.#settings.network === undefined
        ? 'this node has none any more'
        : await this.#surroundings.whyNoFence();
    if (why !== undefined)
      throw new RuntimeError('ERR_RUNTIME_NETWORK', `The network of the agreement cannot be had: ${why}`);
  }

  #fenceOf({ network }: DeploySpec): Pick<Handle, 'fence'> {
    const { networkAllow } = this.#settings;
    return network === true && isFenced(networkAllow) ? { fence: [...networkAllow] } : {};
  }

  #fill(volume: Volume, spec: DeploySpec, image: ContainerImage): Promise<void> {
    return fillVolume(
      { spec, image, settings: this.#settings, local: this.#mounts },
      { engine: this.#engine, containers: this.#containers, images: this.#images, volume },
    );
  }

  async #create(name: string, spec: DeploySpec, image: ContainerImage, workDir: WorkDir): Promise<string> {
    const request = containerSpec(spec, image, workDir, await this.#surroundings.settings(), this.#mounts);
    return this.#containers.create(name, request, () => this.#images.provide(spec.packagePath));
  }

  /** An engine that was itself killed as it started a container does not know that it runs, and removes it as it is. */
  #killForgotten(container: string): void {
    const group = findCgroup({ root: this.#settings.cgroupRoot, container, pid: 0 });
    // A process that cannot be seen from here has the number 0.
    for (const pid of group?.processes() ?? []) if (pid > 0) killProcess(pid);
  }

  #deployment(handle: Handle): Deployment {
    const { clock, logger } = this.#components;
    return new Deployment(
      { handle, workDir: workDirOf(handle.workDir), cgroupRoot: this.#settings.cgroupRoot },
      { engine: this.#engine, clock, logger, volume: this.#volumeOf(handle) },
    );
  }

  #volumeOf(handle: Handle): Volume {
    const init = { ...this.#volumeInit(handle.workDir, handle.storageBytes), owner: handle };
    return this.#volume(handle.volume, init, handle.container);
  }

  #volumeInit(workDir: string, storageBytes: number): VolumeInit {
    const { volumes, runtime } = workDirOf(workDir);
    return { directory: volumes, scratch: runtime, storageBytes, owner: userOf(this.#settings) };
  }

  #volume(kind: VolumeKind, init: VolumeInit, container?: string): Volume {
    if (kind === 'filesystem') return filesystemVolume(init);
    const root = this.#settings.cgroupRoot;
    return measuredVolume(init, () =>
      container === undefined ? [] : (findCgroup({ root, container, pid: 0 })?.processes() ?? []),
    );
  }

  protected workDirOf(handle: string): string {
    return handles.decode(handle).workDir;
  }
}

function imageOf(
  { Id, RepoTags, Config }: Awaited<ReturnType<ImageStore['provide']>>,
  asked: readonly string[],
): ContainerImage {
  const declared = imageVolumes(Object.keys(Config?.Volumes ?? {}));
  const ownVolumes = [...new Set([...OWN_DIRECTORIES, ...declared])];
  return {
    id: Id,
    names: RepoTags ?? [],
    env: Config?.Env ?? [],
    workingDir: Config?.WorkingDir || DEFAULT_CWD,
    ownVolumes,
    volumes: [...new Set([...ownVolumes, ...asked])],
  };
}
