import { open } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Logger } from '../../../src/interface/logger.ts';
import { digestFile } from '../../../src/util/digest-file.ts';
import { hasCode } from '../../../src/util/error-code.ts';
import { sha256 } from '../../../src/util/sha256.ts';
import { RuntimeError } from '../../errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { Image } from '../engine/schemas.ts';
import type { DockerSettings } from '../options.ts';
import { ArchiveError } from './archive-error.ts';
import { readReference, type ImageReference } from './reference.ts';
import { ARCHITECTURES, repack } from './repack.ts';
import { survey } from './survey.ts';

/** Images that came with packages are named by the package's hash in this repository; no other is ever removed. */
const REPOSITORY = 'ergon-package';
const PACKAGE = new RegExp(`^${REPOSITORY}:([0-9a-f]{64})$`);

type Settings = Pick<DockerSettings, 'maxImageBytes' | 'imageCacheBytes' | 'registries'>;

/**
 * Images as a cache of packages, kept by the engine: which ones are ours is told by their names, and which was used
 * last by when it was named last. So there is no second book of it that a crash could part from the first.
 */
export class ImageStore {
  readonly #settings: Settings;
  readonly #engine: Engine;
  readonly #logger: Logger;

  constructor(settings: Settings, { engine, logger }: { readonly engine: Engine; readonly logger: Logger }) {
    this.#settings = settings;
    this.#engine = engine;
    this.#logger = logger;
  }

  /** Whether a deployment has noted of an image with these names that it has nothing in these directories. */
  isEmptyAt(names: readonly string[], directories: readonly string[]): boolean {
    const note = noteOf(directories);
    return names.some((name) => name.startsWith(`${REPOSITORY}:`) && name.endsWith(note));
  }

  /** Kept as one more name of the image, which goes with it; one that came with no package is given none. */
  async noteEmptyAt(
    { id, names }: { readonly id: string; readonly names: readonly string[] },
    directories: readonly string[],
  ): Promise<void> {
    for (const name of names) {
      const tag = PACKAGE.exec(name)?.[1];
      if (tag !== undefined) await this.#engine.tagImage(id, REPOSITORY, tag + noteOf(directories));
    }
  }

  /** The package's image. @throws RuntimeError ERR_RUNTIME_PACKAGE */
  async provide(packagePath: string | undefined): Promise<Image> {
    if (packagePath === undefined) {
      throw new RuntimeError('ERR_RUNTIME_PACKAGE', 'The Docker runtime needs a package: an image archive');
    }
    try {
      const tag = await hashOf(packagePath);
      const image = (await this.#known(tag)) ?? (await this.#fetch(packagePath, tag));
      checkPlatform(image);
      return image;
    } catch (error) {
      throw asPackageError(packagePath, error);
    }
  }

  async #known(tag: string): Promise<Image | undefined> {
    const image = await this.#engine.inspectImage(`${REPOSITORY}:${tag}`);
    if (image !== undefined) await this.#use(image, tag);
    return image;
  }

  /** Naming an image is what says that it was used, and when; a load that brings the name does not count. */
  async #use(image: Image, tag: string): Promise<void> {
    await this.#engine.tagImage(image.Id, REPOSITORY, tag);
  }

  async #fetch(packagePath: string, tag: string): Promise<Image> {
    const reference = await readReference(packagePath);
    if (reference !== undefined) return this.#named(reference, tag);
    const { maxImageBytes } = this.#settings;
    const found = await survey(packagePath, maxImageBytes);
    const name = `${REPOSITORY}:${tag}`;
    const { imageId, archive } = repack(packagePath, found, name, maxImageBytes);
    await this.#engine.loadImage(Readable.from(archive, { objectMode: false }));
    const image = await this.#expect(name);
    if (image.Id !== imageId) this.#logger.warn({ imageId, found: image.Id }, 'image has another id');
    await this.#use(image, tag);
    await this.#admit(image, name);
    return image;
  }

  /** One that the host has is used as it is; what is pulled belongs to the cache. */
  async #named({ reference, digest, registry }: ImageReference, tag: string): Promise<Image> {
    const local = (await this.#engine.inspectImage(reference)) ?? (await this.#engine.inspectImage(digest));
    if (local !== undefined) return local;
    if (!this.#settings.registries.includes(registry)) {
      throw new RuntimeError(
        'ERR_RUNTIME_PACKAGE',
        `The image ${reference} is not here, and nothing is pulled from ${registry}`,
        { reference, registry },
      );
    }
    await this.#engine.pullImage(reference);
    const image = await this.#expect(reference);
    await this.#use(image, tag);
    await this.#admit(image, `${REPOSITORY}:${tag}`);
    return image;
  }

  async #expect(name: string): Promise<Image> {
    const image = await this.#engine.inspectImage(name);
    if (image !== undefined) return image;
    throw new RuntimeError(
      'ERR_RUNTIME_FAILED',
      `The engine has taken the image and does not know it: ${name}`,
    );
  }

  /** What has come in may be too large after all; and something else may have to go for it. */
  async #admit(image: Image, name: string): Promise<void> {
    const { maxImageBytes, imageCacheBytes } = this.#settings;
    if (image.Size > maxImageBytes) {
      await this.#remove(name);
      throw new RuntimeError(
        'ERR_RUNTIME_PACKAGE',
        `The image takes ${image.Size} bytes, ${maxImageBytes} are allowed`,
        { sizeBytes: image.Size, limitBytes: maxImageBytes },
      );
    }
    await this.trim(imageCacheBytes, name);
  }

  /** Removes images that were not used for the longest time, until the others take no more than `maxBytes`. */
  async trim(maxBytes: number, keep?: string): Promise<void> {
    const used = await this.#byLastUse();
    let bytes = used.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { tag, sizeBytes } of used) {
      if (bytes <= maxBytes) return;
      // One that a container uses stays.
      if (tag !== keep && (await this.#remove(tag))) bytes -= sizeBytes;
    }
  }

  async #byLastUse(): Promise<{ tag: string; sizeBytes: number; usedAt: number }[]> {
    const used = [];
    for (const { tags, sizeBytes } of await this.#engine.imagesOf(REPOSITORY)) {
      for (const tag of tags.filter((name) => !tags.some((other) => isNoteOn(other, name)))) {
        const image = await this.#engine.inspectImage(tag);
        const usedAt = Date.parse(image?.Metadata?.LastTagTime ?? '');
        used.push({ tag, sizeBytes, usedAt: Number.isNaN(usedAt) ? 0 : usedAt });
      }
    }
    return used.sort((a, b) => a.usedAt - b.usedAt);
  }

  async #remove(name: string): Promise<boolean> {
    const image = await this.#engine.inspectImage(name);
    const names = image?.RepoTags ?? [];
    for (const note of names.filter((tag) => isNoteOn(name, tag))) await this.#engine.removeImageName(note);
    if (!(await this.#engine.removeImageName(name))) return false;
    // What was pulled has a second name, which nobody but us has given it when it has no tag beside ours.
    const [digest, ...more] = image?.RepoDigests ?? [];
    const isOnlyOurs = names.every((tag) => tag === name || isNoteOn(name, tag)) && more.length === 0;
    if (digest !== undefined && isOnlyOurs) await this.#engine.removeImageName(digest);
    return true;
  }
}

/** The end of a name that says that nothing is in these directories of the image. */
function noteOf(directories: readonly string[]): string {
  const places = sha256(JSON.stringify([...directories].sort()));
  return `-empty-${places.toString('hex').slice(0, 16)}`;
}

function isNoteOn(name: string, tag: string): boolean {
  return tag.startsWith(`${name}-`);
}

/** The supervisor has verified its blobs and named them by their hashes: those are not hashed again. */
async function hashOf(packagePath: string): Promise<string> {
  const name = path.basename(packagePath);
  if (/^[0-9a-f]{64}$/.test(name)) return name;
  await using file = await open(packagePath, 'r');
  return (await digestFile(file)).hex;
}

function checkPlatform({ Os, Architecture }: Image): void {
  const own = ARCHITECTURES[process.arch];
  if ((Os === '' || Os === 'linux') && (Architecture === '' || Architecture === own)) return;
  throw new RuntimeError(
    'ERR_RUNTIME_PACKAGE',
    `The image is for ${Os}/${Architecture}, this machine is linux/${own}`,
  );
}

function asPackageError(packagePath: string, error: unknown): unknown {
  if (error instanceof ArchiveError) {
    return new RuntimeError(
      'ERR_RUNTIME_PACKAGE',
      `The package is no image that can be used: ${error.message}`,
      {},
      { cause: error },
    );
  }
  if (hasCode(error, 'ENOENT', 'EACCES')) {
    return new RuntimeError(
      'ERR_RUNTIME_PACKAGE',
      `The package ${packagePath} cannot be read`,
      { packagePath },
      { cause: error },
    );
  }
  return error;
}
