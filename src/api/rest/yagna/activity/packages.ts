import { createHash } from 'node:crypto';
import type { BlobInfo, NamedPackage, TaskPackage } from '../../../../interface/index.ts';
import { imagePackage } from '../../../image-package.ts';
import { packageBucket, packageNameBucket, packageNameKey } from '../../../package-bucket.ts';
import { invalid, YagnaError } from '../errors.ts';
import type { Files } from '../gsb/files.ts';
import type { YagnaContext } from '../init.ts';
import { knownPackageBucket, sha3Bucket } from './records.ts';

/** A package as a demand names it: `hash:sha3:<hex>:<url>`; the URL has colons of its own. */
interface PackageName {
  readonly sha3: string;
  readonly url: string;
}

/** What a client is told of an image. */
interface ImageInfo {
  readonly url: string;
  readonly sha3: string;
  /** 0 for one that is not among the uploads: it is known once somebody has brought it. */
  readonly sizeBytes: number;
}

const OWN_URL = /\/v1\/(?:blobs|packages)\/(sha256:[0-9a-f]{64})$/;
const DOCKER_URL = /^docker:\/\/([^@]{1,512})(?:@(sha256:[0-9a-f]{64}))?$/;
const SQUASHFS = 'hsqs';
/** SHA-3 by the length of its hex digits. */
const SHA3: Readonly<Record<number, string>> = {
  56: 'sha3-224',
  64: 'sha3-256',
  96: 'sha3-384',
  128: 'sha3-512',
};

type Context = Pick<
  YagnaContext,
  'store' | 'blobs' | 'logger' | 'limits' | 'stopSignal' | 'init' | 'localPackages'
>;

/** Task packages that clients name by URL and SHA-3: brought here, checked, and kept as blobs for the providers. */
export class Packages {
  readonly #context: Context;
  readonly #files: Files;
  readonly #underWay = new Map<string, Promise<TaskPackage>>();

  constructor(context: Context, files: Files) {
    this.#context = context;
    this.#files = files;
  }

  /** Several calls for one package bring it once. @throws YagnaError, TransferError */
  resolve(name: string): Promise<TaskPackage> {
    const known = this.#underWay.get(name);
    if (known !== undefined) return known;
    const bringing = this.#resolve(parseName(name)).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, bringing);
    return bringing;
  }

  /** What a client that asks for an image is told; an upload of that name, this machine's own image, then the configuration. */
  async image(by: { tag?: string; hash?: string }, origin: string): Promise<ImageInfo | undefined> {
    const { tag, hash } = by;
    if (tag !== undefined) {
      const { store, localPackages } = this.#context;
      const uploaded = await store.get(packageNameBucket, packageNameKey(tag));
      if (uploaded !== undefined) return this.#ownImage(uploaded.hash, origin);
      const local = await localPackages.find(tag);
      if (local !== undefined) return imageHere(tag, local);
      const source = this.#configured(tag);
      return source === undefined ? undefined : this.#imageOf(source, origin);
    }
    if (hash === undefined) return undefined;
    const uploads = await this.#context.store.list(packageBucket, { reverse: true });
    for (const { id } of uploads)
      if ((await this.#sha3Of(id, hash.length)) === hash.toLowerCase()) return this.#ownImage(id, origin);
    const images = Object.values(this.#context.init.images).map((other) => this.#imageOf(other, origin));
    return (await Promise.all(images)).find((image) => image?.sha3 === hash);
  }

  #configured(tag: string): string | undefined {
    const { images } = this.#context.init;
    return Object.hasOwn(images, tag) ? images[tag] : undefined;
  }

  async #imageOf(source: string, origin: string): Promise<ImageInfo | undefined> {
    if (source.startsWith('sha256:')) return this.#ownImage(source, origin);
    const [, digest] = /@sha256:([0-9a-f]{64})$/.exec(source) ?? [];
    if (digest !== undefined) return elsewhere(source, digest);
    const [, sha3 = '', url = ''] = /^sha3:([0-9a-f]+):(.+)$/.exec(source) ?? [];
    return elsewhere(url, sha3);
  }

  async #ownImage(hash: string, origin: string): Promise<ImageInfo | undefined> {
    const sha3 = await this.#sha3Of(hash);
    const blob = await this.#context.blobs.stat(hash);
    if (sha3 === undefined || blob === undefined) return undefined;
    return { url: `${origin}/v1/blobs/${hash}`, sha3, sizeBytes: blob.sizeBytes };
  }

  async #resolve({ sha3, url }: PackageName): Promise<TaskPackage> {
    const image = DOCKER_URL.exec(url);
    if (image !== null) return this.#dockerReference(image[1] ?? '', image[2] ?? `sha256:${sha3}`);
    const known = await this.#known(sha3);
    if (known !== undefined) return this.#runnable(known, url);
    const own = OWN_URL.exec(url)?.[1];
    const info =
      (own === undefined ? undefined : await this.#context.blobs.stat(own)) ?? (await this.#bring(url, sha3));
    const found = await this.#sha3Of(info.hash, sha3.length);
    if (sha3 !== '' && found !== sha3)
      throw new YagnaError(
        'ERR_YAGNA_TRANSFER',
        `The package at ${url} has the SHA-3 ${found ?? 'unknown'}, not ${sha3}`,
      );
    return this.#runnable(info, url);
  }

  /** A machine image of Golem's is a squashfs, which no runtime here boots: better said before somebody pays for it. */
  async #runnable({ hash, sizeBytes }: TaskPackage, url: string): Promise<TaskPackage> {
    for await (const chunk of this.#context.blobs.read(hash)) {
      if (Buffer.from(chunk.subarray(0, 4)).toString('latin1') !== SQUASHFS) break;
      throw invalid(
        `The package at ${url.slice(0, 300)} is a machine image of Golem (.gvmi), which does not run here: ` +
          'publish the container image that it was made of, as an archive of `docker save`, or name it by its digest',
      );
    }
    return { hash, sizeBytes };
  }

  async #known(sha3: string): Promise<TaskPackage | undefined> {
    const known = sha3 === '' ? undefined : await this.#context.store.get(knownPackageBucket, `sha3:${sha3}`);
    return known === undefined ? undefined : this.#context.blobs.stat(known.hash);
  }

  #bring(url: string, sha3: string): Promise<BlobInfo> {
    if (SHA3[sha3.length] === undefined && sha3 !== '')
      throw invalid(`${sha3.slice(0, 130)} is no SHA-3 hash`);
    const { stopSignal, limits } = this.#context;
    return this.#files.bring(url, { signal: stopSignal, maxBytes: limits.maxPackageBytes });
  }

  async #dockerReference(name: string, digest: string): Promise<TaskPackage> {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest))
      throw invalid(`The image docker://${name} is not pinned by its digest`);
    const { blob } = await imagePackage(this.#context, `${name}@${digest}`);
    return { hash: blob.hash, sizeBytes: blob.sizeBytes };
  }

  /** The blob's SHA-3 of as many hex digits; remembered, so that it is computed once. */
  async #sha3Of(hash: string, digits = 56): Promise<string | undefined> {
    const key = `${hash}:${digits}`;
    const { store, blobs } = this.#context;
    const remembered = await store.get(sha3Bucket, key);
    if (remembered !== undefined) return remembered.sha3;
    const info = await blobs.stat(hash);
    const algorithm = SHA3[digits === 0 ? 56 : digits];
    if (info === undefined || algorithm === undefined) return undefined;
    const digest = createHash(algorithm);
    for await (const chunk of blobs.read(hash)) digest.update(chunk);
    const sha3 = digest.digest('hex');
    await store.transact(async (tx) => {
      if ((await tx.get(sha3Bucket, key)) === undefined) tx.put(sha3Bucket, key, { sha3 });
      const knownKey = `sha3:${sha3}`;
      await tx.get(knownPackageBucket, knownKey);
      tx.put(knownPackageBucket, knownKey, { hash, sizeBytes: info.sizeBytes });
    });
    return sha3;
  }
}

/** An image of this machine's engine; what it takes is decided when it is wanted. */
function imageHere(tag: string, { id, reference }: NamedPackage): ImageInfo {
  const pinned = reference ?? `${tag}@${id}`;
  return elsewhere(`docker://${pinned}`, pinned.slice(-64));
}

/** Clients of Yagna insist on a number, and do nothing with it. */
function elsewhere(url: string, sha3: string): ImageInfo {
  return { url, sha3, sizeBytes: 0 };
}

function parseName(name: string): PackageName {
  const [, sha3, url] = /^hash:(?:sha3|sha256):([0-9a-fA-F]*):(.+)$/s.exec(name) ?? [];
  if (sha3 === undefined || url === undefined)
    throw invalid(`The task package must be named hash:sha3:<hex>:<url>, not ${name.slice(0, 200)}`);
  return { sha3: sha3.toLowerCase(), url };
}
