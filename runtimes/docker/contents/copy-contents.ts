import type Dockerode from 'dockerode';
import { isErgonError } from '../../../src/interface/errors.ts';
import { errorMessage } from '../../../src/util/error-message.ts';
import { hasCode } from '../../../src/util/error-code.ts';
import { RuntimeError } from '../../errors.ts';
import type { Containers } from '../containers.ts';
import type { Engine } from '../engine/engine.ts';
import { diskLimit } from '../exit.ts';
import { ArchiveError } from '../image/archive-error.ts';
import type { Volume } from '../volume/volume.ts';
import { Allowance, storageError } from './allowance.ts';
import { unpack } from './unpack.ts';

export interface ContentsInit {
  /** Of the container that the image's files are read from. */
  readonly name: string;
  readonly request: Dockerode.ContainerCreateOptions;
  readonly provideImage: () => Promise<unknown>;
  /** Where the volume's files are; empty but for its directories. */
  readonly root: string;
  /** All directories that are to be mounted. */
  readonly mounted: readonly string[];
  /** Those of them whose contents are wanted. */
  readonly directories: readonly string[];
  readonly storageBytes: number;
}
export interface ContentsComponents {
  readonly engine: Engine;
  readonly containers: Containers;
  readonly volume: Volume;
}

/**
 * Brings into a new volume what the image has where the volume's directories will be mounted, as the engine does with
 * volumes of its own. The files are read from a container that never runs, through the engine, so that no layout of its
 * storage need be known; and written here, so that the volume's limits hold for them.
 * @returns whether there was anything
 * @throws RuntimeError ERR_RUNTIME_STORAGE, ERR_RUNTIME_PACKAGE
 */
export async function copyContents(init: ContentsInit, components: ContentsComponents): Promise<boolean> {
  const { name, request, provideImage } = init;
  const { containers } = components;
  // What a crash has left.
  await containers.remove(name);
  const container = await containers.create(name, request, provideImage);
  let isThere: boolean;
  try {
    isThere = await read(container, init, components);
  } catch (error) {
    // Whoever tries again, or gives up, removes it by its name.
    await containers.remove(container).catch(() => undefined);
    throw await reasonOf(error, init, components);
  }
  await containers.remove(container);
  return isThere;
}

async function read(
  container: string,
  { root, mounted, directories, storageBytes }: ContentsInit,
  { engine, volume }: ContentsComponents,
): Promise<boolean> {
  const allowance = new Allowance(storageBytes, await volume.usage());
  // What lies in another comes first: links to it need it.
  let isThere = false;
  for (const directory of [...directories].sort().reverse()) {
    const found = await engine.readDirectory(container, directory, (archive) =>
      unpack(archive, { root, directory, mounted, allowance }),
    );
    isThere ||= found === true;
  }
  // "Nothing there" is also said of a container that is not there.
  if ((await engine.inspectContainer(container)) === undefined)
    throw new RuntimeError('ERR_RUNTIME_FAILED', "The container to read the image's files from has vanished");
  return isThere;
}

async function reasonOf(
  error: unknown,
  { storageBytes }: ContentsInit,
  { volume }: ContentsComponents,
): Promise<unknown> {
  if (error instanceof RuntimeError) return error;
  // Where the volume is a directory among others, it is the machine's own disk that is full.
  if (hasCode(error, 'ENOSPC') && volume.kind === 'filesystem') {
    const { full, bytes } = await volume.usage();
    return storageError(full ?? diskLimit(storageBytes, bytes));
  }
  const isTheirs = error instanceof ArchiveError || isErgonError(error);
  return new RuntimeError(
    isTheirs ? 'ERR_RUNTIME_PACKAGE' : 'ERR_RUNTIME_FAILED',
    `What the image has at its volumes cannot be copied: ${errorMessage(error)}`,
    {},
    { cause: error },
  );
}
