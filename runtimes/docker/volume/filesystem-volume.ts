import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rm, rmdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { RuntimeError } from '../../errors.ts';
import { diskLimit, filesLimit } from '../exit.ts';
import { giveTo } from './measured-volume.ts';
import type { Volume, VolumeInit } from './volume.ts';

const run = promisify(execFile);

const IMAGE = 'volume.ext4';
const BYTES_PER_INODE = 4096;
const MIN_INODES = 1024;
const MAX_INODES = 500_000;
const INODE_BYTES = 256;
const BLOCK_BYTES = 4096;
/** What the file system keeps for itself: a fixed part, and one for each byte that it manages. */
const OVERHEAD_BYTES = 256 << 10;
const OVERHEAD_SHARE = 0.025;

/**
 * A file system of the agreed size, in a sparse file of ours: the kernel itself refuses the first byte and the first
 * file too many, also in files that are deleted already, and says at once how full it is.
 */
export function filesystemVolume({ directory, scratch, storageBytes, owner }: VolumeInit): Volume {
  const image = path.join(scratch, IMAGE);
  return {
    kind: 'filesystem',
    async prepare() {
      await mkdir(directory, { recursive: true });
      if (await isMountPoint(directory)) return;
      await makeImage(image, storageBytes, owner);
      await run('mount', mountArguments(image, directory));
      // Nobody will ever repair it.
      await rmdir(path.join(directory, 'lost+found')).catch(() => undefined);
      await giveTo(directory, owner);
    },
    async usage() {
      const { blocks, bfree, bavail, files, ffree, bsize } = await statfs(directory);
      // The part that was free at first is what was agreed, or a little more.
      const used = (blocks - bfree) * bsize;
      const usage = { bytes: Math.min(used, storageBytes), files: { count: files - ffree, limit: files } };
      if (ffree === 0 && bavail > 0) return { ...usage, full: filesLimit(files, files - ffree) };
      // A large write is refused while a little is still free.
      return used >= storageBytes || bavail === 0
        ? { ...usage, full: diskLimit(storageBytes, usage.bytes) }
        : usage;
    },
    async remove() {
      await unmount(directory);
      await rm(image, { force: true });
    },
  };
}

/** The arguments of mount(8) for a volume: nothing in it gives privileges or is a device. */
export function mountArguments(image: string, directory: string): string[] {
  return ['-t', 'ext4', '-o', 'loop,nosuid,nodev,noatime', image, directory];
}

/** Makes a file with an ext4 in it that has room for so many bytes, and is the owner's. Replaces one that is there. */
export async function makeImage(
  image: string,
  storageBytes: number,
  { uid, gid }: VolumeInit['owner'],
): Promise<void> {
  const inodes = Math.min(MAX_INODES, Math.max(MIN_INODES, Math.floor(storageBytes / BYTES_PER_INODE)));
  const overhead = OVERHEAD_BYTES + storageBytes * OVERHEAD_SHARE + inodes * INODE_BYTES;
  const size = Math.ceil((storageBytes + overhead) / BLOCK_BYTES) * BLOCK_BYTES;
  await mkdir(path.dirname(image), { recursive: true });
  await rm(image, { force: true });
  await using file = await open(image, 'wx', 0o600);
  await file.truncate(size);
  await run('mkfs.ext4', [
    ...['-q', '-F', '-m', '0', '-b', String(BLOCK_BYTES), '-N', String(inodes), '-I', String(INODE_BYTES)],
    // No journal: after a crash of the machine the activity is over anyway.
    ...['-O', '^has_journal,^resize_inode', '-E', `root_owner=${uid}:${gid},lazy_itable_init=1,nodiscard`],
    image,
  ]);
}

async function isMountPoint(directory: string): Promise<boolean> {
  return mountPoints(await readFile('/proc/self/mountinfo', 'utf8')).includes(directory);
}

/** Mount points of this process, with the escapes that the kernel writes for blanks undone. */
export function mountPoints(mountInfo: string): string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((escaped) =>
      escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    );
}

/** Whatever is mounted there goes, also when something still has a file of it open. */
export async function unmount(directory: string): Promise<void> {
  const exists = await stat(directory).then(
    () => true,
    () => false,
  );
  while (exists && (await isMountPoint(directory))) {
    await run('umount', [directory])
      .catch(() => run('umount', ['--lazy', directory]))
      .catch((cause: unknown) => {
        throw new RuntimeError('ERR_RUNTIME_FAILED', `Cannot unmount ${directory}`, { directory }, { cause });
      });
  }
}
