import type { BlobInfo, Blobs, NamedPackage, Store } from '../interface/index.ts';
import type { LocalPackages } from './components.ts';
import { ApiError } from './errors.ts';
import { imageArchiveBucket } from './package-bucket.ts';

/** What making a package of an image needs. */
export interface ImageContext {
  readonly store: Pick<Store, 'get' | 'transact'>;
  readonly blobs: Pick<Blobs, 'put' | 'stat'>;
  readonly localPackages: LocalPackages;
  readonly limits: { readonly maxPackageBytes: number };
  readonly stopSignal: AbortSignal;
}

/** A package for the Docker runtime, and what it is: `name@sha256:…`. */
export interface ImagePackage {
  readonly blob: BlobInfo;
  readonly image: string;
}

/**
 * The package of an image by name. One that is pinned by a digest is a small file, which the provider's runtime reads;
 * one that only this machine's engine has, unpinned or by its id, goes as an archive.
 * @throws ApiError ERR_API_REFERENCE when it is not pinned and not here
 */
export async function imagePackage(context: ImageContext, image: string): Promise<ImagePackage> {
  const [name = image, digest] = image.split('@');
  const local = await context.localPackages.find(digest ?? image);
  if (local !== undefined && (local.id === digest || (digest === undefined && local.reference === undefined)))
    return { image: `${name}@${local.id}`, blob: await archive(context, local) };
  const pinned = digest === undefined ? local?.reference : image;
  if (pinned !== undefined) return { image: pinned, blob: await named(context, pinned) };
  throw new ApiError(
    'ERR_API_REFERENCE',
    `No Docker engine of this machine has the image ${image}: pull or build it here, or name it with its digest (name@sha256:…)`,
    { image },
  );
}

/** The same image is the same package. */
function named({ blobs }: ImageContext, image: string): Promise<BlobInfo> {
  const file = Buffer.from(JSON.stringify({ image }));
  return blobs.put(
    (async function* () {
      yield file;
    })(),
  );
}

/** An engine never writes the same archive twice, so that the first one stands for the image. */
async function archive(context: ImageContext, local: NamedPackage): Promise<BlobInfo> {
  const { store, blobs, limits, stopSignal } = context;
  const known = await store.get(imageArchiveBucket, local.id);
  const held = known === undefined ? undefined : await blobs.stat(known.hash);
  if (held !== undefined) return held;
  const blob = await blobs.put(await local.open(), { maxBytes: limits.maxPackageBytes, signal: stopSignal });
  await store.transact(async (tx) => {
    await tx.get(imageArchiveBucket, local.id);
    tx.put(imageArchiveBucket, local.id, { hash: blob.hash });
  });
  return blob;
}
