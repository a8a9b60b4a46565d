import { isErgonError } from '../../../src/interface/errors.ts';
import { hasCode } from '../../../src/util/error-code.ts';
import { exhaust } from '../image/byte-source.ts';
import { readTar, type TarEntry } from '../image/tar.ts';
import type { Allowance } from './allowance.ts';
import { VolumeWriter } from './volume-writer.ts';

/** One directory of an image, on its way into the volume. */
export interface UnpackInit {
  /** Of the volume. */
  readonly root: string;
  /** Where in it, as in the image; it is there. */
  readonly directory: string;
  /** All directories of the volume that are mounted: what lies in one within this one is brought with that one. */
  readonly mounted: readonly string[];
  readonly allowance: Allowance;
}

const PERMISSIONS = 0o1777;
/** The owner is the one who runs programs here, without the rights by which root could do without these. */
const OWNER_OF_DIRECTORY = 0o700;

/**
 * Writes an archive's files, directories and links into the volume, and none out of it. Devices, pipes and sockets are
 * left out, and so are the bits that give privileges.
 * @returns whether the directory is another one than it was
 * @throws ArchiveError, SafePathError, RuntimeError ERR_RUNTIME_STORAGE, and what the file system says
 */
export async function unpack(chunks: AsyncGenerator<Uint8Array>, init: UnpackInit): Promise<boolean> {
  const { root, directory, allowance } = init;
  await using writer = new VolumeWriter(root);
  let isOther = false;
  try {
    for await (const entry of readTar(chunks)) {
      const target = entry.name === '' ? directory : `${directory}/${entry.name}`;
      if (entry.type === 'other' || isElsewhere(target, entry, init)) continue;
      if (target === directory && entry.type === 'directory') {
        isOther ||= (await writer.modeOf(directory)) !== directoryMode(entry);
      } else {
        isOther = true;
        allowance.take(entry);
      }
      await write(entry, target, directory, writer);
    }
    await exhaust(chunks);
    return isOther;
  } finally {
    await chunks.return(undefined);
  }
}

/** In another directory that is mounted; or it stands where one is, or leads to one, and is no directory. */
function isElsewhere(target: string, { type }: TarEntry, { directory, mounted }: UnpackInit): boolean {
  return mounted
    .filter((other) => other !== directory && isWithin(other, directory))
    .some((other) => isWithin(target, other) || (type !== 'directory' && isWithin(other, target)));
}

function isWithin(file: string, directory: string): boolean {
  return file === directory || file.startsWith(`${directory}/`);
}

async function write(
  entry: TarEntry,
  target: string,
  directory: string,
  writer: VolumeWriter,
): Promise<void> {
  switch (entry.type) {
    case 'directory':
      await writer.makeDirectory(target);
      return writer.setMode(target, directoryMode(entry));
    case 'file':
      return writer.writeFile(target, entry.mode & PERMISSIONS, entry.body);
    case 'symlink':
      return writer.writeSymlink(target, entry.link);
    case 'link':
      // To what was left out there is none.
      return writer.writeLink(target, `${directory}/${entry.link}`).catch((error: unknown) => {
        if (!isErgonError(error, 'ERR_PATH_NOT_FOUND') && !hasCode(error, 'ENOENT')) throw error;
      });
    case 'other':
      return;
  }
}

function directoryMode({ mode }: TarEntry): number {
  return (mode & PERMISSIONS) | OWNER_OF_DIRECTORY;
}
