import { RuntimeError } from '../errors.ts';
import type { Engine } from './engine/engine.ts';
import type { DockerSettings } from './options.ts';
import { isFenced, whyNoFence } from './outside/fence.ts';
import { ownContainer, type OwnContainer } from './own-container.ts';
import { whyNoNetworks } from './tunnel/probe.ts';
import { whyNoFilesystem } from './volume/probe.ts';
import type { VolumeKind } from './volume/volume.ts';

/**
 * What this machine and its engine allow, found out when it is asked for; what takes a try is tried once. An engine that
 * does not answer is an error, and is asked again the next time.
 */
export class Surroundings {
  readonly #settings: DockerSettings;
  readonly #engine: Engine;
  #whyNoFilesystem: Promise<string | undefined> | undefined;
  #whyNoNetworks: Promise<string | undefined> | undefined;
  #own: Promise<OwnContainer | undefined> | undefined;

  constructor(settings: DockerSettings, engine: Engine) {
    this.#settings = settings;
    this.#engine = engine;
  }

  /** The container that this process runs in itself; undefined on the host. */
  ownContainer(): Promise<OwnContainer | undefined> {
    this.#own ??= ownContainer(this.#engine).catch((error: unknown) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  /** The settings, with the host's names for our directories when this process runs in a container itself. */
  async settings(): Promise<DockerSettings> {
    if (Object.keys(this.#settings.hostPaths).length > 0) return this.#settings;
    const own = await this.ownContainer();
    return own === undefined ? this.#settings : { ...this.#settings, hostPaths: own.hostPaths };
  }

  /** Why the outside network cannot be sold; undefined when it can, or when none is to be. */
  async whyNoFence(): Promise<string | undefined> {
    const { network, networkAllow } = this.#settings;
    if (network === undefined || !isFenced(networkAllow)) return undefined;
    const { hostPaths } = await this.settings();
    return whyNoFence(await this.#containerRuntime(), { hostPaths, networkAllow });
  }

  /** Why no networks between activities can be brought into a container; undefined when they can. */
  whyNoNetworks(): Promise<string | undefined> {
    this.#whyNoNetworks ??= this.#tryNetworks();
    this.#whyNoNetworks.catch(() => (this.#whyNoNetworks = undefined));
    return this.#whyNoNetworks;
  }

  /** Why a volume cannot be a file system of its own; undefined when it can. */
  async whyNoFilesystem(): Promise<string | undefined> {
    if (this.#settings.volume === 'measured') return 'the option volume says measured';
    const isAway = Object.keys((await this.settings()).hostPaths).length > 0;
    if (isAway) return 'the daemon runs in a container, and the engine does not see its mounts';
    this.#whyNoFilesystem ??= whyNoFilesystem();
    return this.#whyNoFilesystem;
  }

  /** How a new volume's quota is held. @throws RuntimeError ERR_RUNTIME_UNAVAILABLE when the option cannot be kept */
  async volumeKind(): Promise<VolumeKind> {
    const why = await this.whyNoFilesystem();
    if (why === undefined) return 'filesystem';
    if (this.#settings.volume !== 'filesystem') return 'measured';
    throw new RuntimeError('ERR_RUNTIME_UNAVAILABLE', `No file system can be made for the volume: ${why}`);
  }

  async #tryNetworks(): Promise<string | undefined> {
    return whyNoNetworks(await this.#containerRuntime(), await this.settings());
  }

  async #containerRuntime(): Promise<string> {
    return this.#settings.engineRuntime ?? (await this.#engine.info()).DefaultRuntime;
  }
}
