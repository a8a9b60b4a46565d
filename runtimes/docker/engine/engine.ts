import type Dockerode from 'dockerode';
import type { Readable } from 'node:stream';
import type { Clock } from '../../../src/interface/clock.ts';
import { callEngine, isRefusal, type CallOptions } from './call.ts';
import { readProgress } from './progress.ts';
import { readReply } from './reply.ts';
import {
  checkContainer,
  checkContainers,
  checkCreated,
  checkImage,
  checkImages,
  checkInfo,
  type Container,
  type ContainerSummary,
  type Image,
  type Info,
} from './schemas.ts';

export interface EngineInit {
  readonly socketPath: string;
  /** How long a call waits for an engine that is away. */
  readonly patienceMs: number;
}

const QUICK_MS = 15_000;
const CONTAINER_MS = 60_000;
const REMOVE_MS = 120_000;
const LOAD_MS = 30 * 60_000;

/**
 * What this runtime asks of the engine, each with a deadline. "Undefined" and "false" always mean that the engine has
 * said so; an engine that does not answer is an error, see callEngine.
 */
export class Engine {
  readonly #socketPath: string;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  #docker: Promise<Dockerode> | undefined;

  constructor({ socketPath, patienceMs }: EngineInit, { clock }: { readonly clock: Clock }) {
    this.#socketPath = socketPath;
    this.#patienceMs = patienceMs;
    this.#clock = clock;
  }

  /** Asks once, without patience. */
  async info(): Promise<Info> {
    return checkInfo(await this.#once('describe itself', QUICK_MS, (docker) => docker.info()));
  }

  /** @returns its id */
  async createContainer(name: string, spec: Dockerode.ContainerCreateOptions): Promise<string> {
    const container = await this.#ask('create a container', CONTAINER_MS, (docker, abortSignal) =>
      docker.createContainer({ ...spec, name, abortSignal }),
    );
    return checkCreated({ Id: container.id }).Id;
  }

  async startContainer(id: string): Promise<void> {
    await ignoring([304], () =>
      this.#ask('start a container', CONTAINER_MS, (docker, abortSignal) =>
        docker.getContainer(id).start({ abortSignal }),
      ),
    );
  }

  async inspectContainer(id: string): Promise<Container | undefined> {
    const found = await ignoring([404], () =>
      this.#ask('show a container', QUICK_MS, (docker, abortSignal) =>
        docker.getContainer(id).inspect({ abortSignal }),
      ),
    );
    return found === undefined ? undefined : checkContainer(found);
  }

  /** Nothing happens to one that does not run. */
  async killContainer(id: string): Promise<void> {
    await ignoring([404, 409], () =>
      this.#ask('kill a container', CONTAINER_MS, (docker, abortSignal) =>
        docker.getContainer(id).kill({ abortSignal }),
      ),
    );
  }

  async pauseContainer(id: string): Promise<void> {
    await this.#ask('pause a container', QUICK_MS, (docker, abortSignal) =>
      docker.getContainer(id).pause({ abortSignal }),
    );
  }

  async unpauseContainer(id: string): Promise<void> {
    await this.#ask('resume a container', QUICK_MS, (docker, abortSignal) =>
      docker.getContainer(id).unpause({ abortSignal }),
    );
  }

  /** With what runs in it; false while another removal of it is under way. */
  async removeContainer(id: string): Promise<boolean> {
    try {
      await this.#ask('remove a container', REMOVE_MS, (docker, abortSignal) =>
        docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
      );
      return true;
    } catch (error) {
      if (isRefusal(error, 404)) return true;
      if (isRefusal(error, 409)) return false;
      throw error;
    }
  }

  async containersWith(label: string): Promise<ContainerSummary[]> {
    const found = await this.#ask('list containers', CONTAINER_MS, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { label: [label] }, abortSignal }),
    );
    return checkContainers(found);
  }

  /**
   * Hands to `work` what a container has in a directory, as a tar archive with names that begin there. A link in that
   * place, or on the way to it, leads to another place of the container's. Undefined when nothing is there.
   */
  async readDirectory<T>(
    id: string,
    directory: string,
    work: (archive: AsyncGenerator<Uint8Array>) => Promise<T>,
  ): Promise<T | undefined> {
    const what = `read ${directory} of a container`;
    const reply = await ignoring([404], () =>
      this.#ask(what, CONTAINER_MS, (docker, abortSignal) =>
        docker.getContainer(id).getArchive({ path: `${directory}/.`, abortSignal }),
      ),
    );
    return reply === undefined
      ? undefined
      : work(readReply(this.#clock, { what, timeoutMs: LOAD_MS }, reply));
  }

  async hasNetwork(name: string): Promise<boolean> {
    const found = await ignoring([404], () =>
      this.#once('show a network', QUICK_MS, (docker) => docker.getNetwork(name).inspect()),
    );
    return found !== undefined;
  }

  /** `patience` no: where the engine may not even be meant to be there. */
  async inspectImage(name: string, { patience = true } = {}): Promise<Image | undefined> {
    const options = {
      what: 'show an image',
      timeoutMs: QUICK_MS,
      patienceMs: patience ? this.#patienceMs : 0,
    };
    const found = await ignoring([404], () =>
      this.#call(options, (docker) => docker.getImage(name).inspect()),
    );
    return found === undefined ? undefined : checkImage(found);
  }

  /** Images that have a tag in `repository`, with those tags. */
  async imagesOf(repository: string): Promise<{ id: string; tags: string[]; sizeBytes: number }[]> {
    const found = await this.#ask('list images', CONTAINER_MS, (docker, abortSignal) =>
      docker.listImages({ filters: { reference: [repository] }, abortSignal }),
    );
    return checkImages(found).map(({ Id, RepoTags, Size }) => ({
      id: Id,
      tags: (RepoTags ?? []).filter((tag) => tag.startsWith(`${repository}:`)),
      sizeBytes: Size,
    }));
  }

  async tagImage(name: string, repo: string, tag: string): Promise<void> {
    await this.#ask('tag an image', QUICK_MS, (docker, abortSignal) =>
      docker.getImage(name).tag({ repo, tag, abortSignal }),
    );
  }

  /** Takes a name away from an image, and the image with the last one; false when a container uses it. */
  async removeImageName(name: string): Promise<boolean> {
    try {
      await this.#ask('remove an image', REMOVE_MS, (docker, abortSignal) =>
        docker.getImage(name).remove({ force: false, abortSignal }),
      );
      return true;
    } catch (error) {
      if (isRefusal(error, 404)) return true;
      if (isRefusal(error, 409)) return false;
      throw error;
    }
  }

  /** Reads an archive as `docker save` writes it. */
  async loadImage(archive: Readable): Promise<void> {
    try {
      await this.#once('load an image', LOAD_MS, async (docker, abortSignal) =>
        readProgress('load', await docker.loadImage(archive, { quiet: true, abortSignal }), abortSignal),
      );
    } catch (error) {
      // An archive that turns out to be bad breaks the request off, which is no silence of the engine's.
      throw archive.errored ?? error;
    } finally {
      archive.destroy();
    }
  }

  /** The image as an archive, as `docker save` writes it. */
  async saveImage(id: string): Promise<AsyncIterable<Uint8Array>> {
    const reply = await this.#once('save an image', LOAD_MS, (docker) => docker.getImage(id).get());
    return chunksOf(reply);
  }

  async pullImage(reference: string): Promise<void> {
    await this.#once('pull an image', LOAD_MS, async (docker, abortSignal) =>
      readProgress('pull', await docker.pull(reference, { abortSignal }), abortSignal),
    );
  }

  #once<T>(what: string, timeoutMs: number, work: Work<T>): Promise<T> {
    return this.#call({ what, timeoutMs, patienceMs: 0 }, work);
  }

  #ask<T>(what: string, timeoutMs: number, work: Work<T>): Promise<T> {
    return this.#call({ what, timeoutMs, patienceMs: this.#patienceMs }, work);
  }

  async #call<T>(options: CallOptions, work: Work<T>): Promise<T> {
    this.#docker ??= connect(this.#socketPath);
    const docker = await this.#docker;
    return callEngine(this.#clock, options, (signal) => work(docker, signal));
  }
}

type Work<T> = (docker: Dockerode, signal: AbortSignal) => Promise<T>;

/** The client is large: a node without an engine is spared it. */
async function connect(socketPath: string): Promise<Dockerode> {
  const { default: Client } = await import('dockerode');
  // `host` given as nothing: otherwise the client takes one from the environment.
  return new Client({ socketPath, host: undefined });
}

async function* chunksOf(reply: NodeJS.ReadableStream): AsyncIterable<Uint8Array> {
  for await (const chunk of reply) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function ignoring<T>(statuses: readonly number[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error, ...statuses)) return undefined;
    throw error;
  }
}
