import { constants } from 'node:fs';
import { chmod, chown, lchown, lstat, mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../../errors.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where every image has it, and has no other permissions. */
const TMP = { directory: '/tmp', mode: 0o1777 };

/** Makes the directories of a new volume, each for the owner. */
export async function makeVolumeDirectories(
  root: string,
  directories: readonly string[],
  owner: Owner,
): Promise<void> {
  for (const directory of directories) {
    await makeOwnedDirectory(root, directory, owner);
    if (directory === TMP.directory) await chmod(path.join(root, directory), TMP.mode);
  }
}

/** What a deployment that was broken off has left, nothing of which has run. */
export async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    await rm(path.join(directory, name), { recursive: true, force: true });
}

/**
 * Makes `relative` below `root`, for the owner. The engine will mount it into a container and follows links then, so
 * a link that an earlier container left in its place must not be taken for the directory.
 */
export async function makeOwnedDirectory(root: string, relative: string, owner: Owner): Promise<void> {
  let directory = root;
  for (const name of relative.split('/').filter((part) => part !== '')) {
    directory = path.join(directory, name);
    await mkdir(directory, { mode: 0o755 }).catch(async (error: unknown) => {
      const found = await lstat(directory).catch(() => undefined);
      if (found === undefined) throw error;
      if (!found.isDirectory()) {
        throw new RuntimeError('ERR_RUNTIME_FAILED', `${relative} of the volume is no directory any more`, {
          directory,
        });
      }
    });
    if (process.getuid?.() === 0) await chown(directory, owner.uid, owner.gid);
  }
}

/**
 * Gives to the owner what root has put below the directory: transfers. Programs of an earlier command may still be
 * there and exchange directories for links meanwhile, so each is held open while it is walked.
 */
export async function giveFiles(root: string, owner: Owner): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const pending: FileHandle[] = [await open(root, constants.O_RDONLY | constants.O_DIRECTORY)];
  try {
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      await using held = directory;
      const at = `/proc/self/fd/${held.fd}`;
      for (const item of await readdir(at, { withFileTypes: true })) {
        const file = `${at}/${item.name}`;
        const found = await lstat(file).catch(() => undefined);
        if (found?.uid === 0) await lchown(file, owner.uid, owner.gid).catch(() => undefined);
        const below = item.isDirectory() ? await openDirectory(file) : undefined;
        if (below !== undefined) pending.push(below);
      }
    }
  } finally {
    for (const left of pending) await left.close();
  }
}

function openDirectory(file: string): Promise<FileHandle | undefined> {
  return open(file, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
}
