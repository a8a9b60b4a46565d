import type { BlobInfo, Blobs } from '../interface/index.ts';

/** The package of an image by name: a small file, which the Docker runtime reads. The same image is the same package. */
export function imagePackage(blobs: Pick<Blobs, 'put'>, image: string): Promise<BlobInfo> {
  const file = Buffer.from(JSON.stringify({ image }));
  return blobs.put(
    (async function* () {
      yield file;
    })(),
  );
}
