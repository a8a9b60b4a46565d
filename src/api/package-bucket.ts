import { Type, type Static } from 'typebox';
import {
  BlobHash,
  Bytes,
  PinnedImage,
  Timestamp,
  type Bucket,
  type Transaction,
} from '../interface/index.ts';
import { checker } from '../util/check.ts';
import { sha256 } from '../util/sha256.ts';

/** A blob that was uploaded as a task package, so that packages can be told from other blobs. */
const PackageRecord = Type.Object(
  {
    hash: BlobHash,
    sizeBytes: Bytes,
    name: Type.Optional(Type.String({ maxLength: 128 })),
    image: Type.Optional(PinnedImage),
    uploadedAt: Timestamp,
  },
  { additionalProperties: false },
);
export type PackageRecord = Static<typeof PackageRecord>;

const ImageArchive = Type.Object({ hash: BlobHash }, { additionalProperties: false });

/** Images of this machine's engine that were made packages, by their ids. */
export const imageArchiveBucket: Bucket<Static<typeof ImageArchive>> = {
  name: 'api-image-archives',
  check: checker(ImageArchive, 'image archive record'),
};

/** By hash. */
export const packageBucket: Bucket<PackageRecord> = {
  name: 'api-packages',
  check: checker(PackageRecord, 'package record'),
};

const PackageName = Type.Object(
  { name: Type.String({ maxLength: 128 }), hash: BlobHash },
  { additionalProperties: false },
);

/** Every name that was given to a package, and the package that has it now: a package may have several. */
export const packageNameBucket: Bucket<Static<typeof PackageName>> = {
  name: 'api-package-names',
  check: checker(PackageName, 'name of a package'),
};
export const packageNameKey = (name: string): string => sha256(name).toString('hex');

/** Takes a package and all its names out of the books. False when there is none. */
export async function forgetPackage(tx: Transaction, hash: string): Promise<boolean> {
  if ((await tx.get(packageBucket, hash)) === undefined) return false;
  tx.delete(packageBucket, hash);
  for (const { id, value } of await tx.list(packageNameBucket))
    if (value.hash === hash) tx.delete(packageNameBucket, id);
  return true;
}
