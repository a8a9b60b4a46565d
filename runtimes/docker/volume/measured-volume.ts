import { chmod, chown, lstat, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { diskLimit, filesLimit } from '../exit.ts';
import type { Volume, VolumeInit, VolumeUsage } from './volume.ts';

const BYTES_PER_ENTRY = 4096;
const MIN_ENTRIES = 1024;
const MAX_ENTRIES = 500_000;
const SECTOR = 512;

/**
 * A plain directory. Nothing but a look at it tells how full it is, so it can be overfilled between two looks: the
 * largest file is limited by the kernel, and whoever looks stops the workload.
 */
export function measuredVolume(init: VolumeInit, processes: () => number[]): Volume {
  const { directory, storageBytes, owner } = init;
  return {
    kind: 'measured',
    async prepare() {
      await mkdir(directory, { recursive: true });
      await giveTo(directory, owner);
    },
    async usage() {
      const visible = await measure(directory, storageBytes);
      const hidden = await deletedBytes(directory, processes());
      const bytes = visible.bytes + hidden;
      return { ...visible, bytes, ...(bytes >= storageBytes && { full: diskLimit(storageBytes, bytes) }) };
    },
    remove: async () => undefined,
  };
}

/** Closed to nobody: the directories above let nobody else through. */
export async function giveTo(directory: string, { uid, gid }: VolumeInit['owner']): Promise<void> {
  if (process.getuid?.() === 0) await chown(directory, uid, gid);
  await chmod(directory, 0o777);
}

/** Stops counting once it is too much, so that a tree of a million empty files costs no more than a full one. */
async function measure(root: string, storageBytes: number): Promise<VolumeUsage> {
  const maxEntries = Math.min(MAX_ENTRIES, Math.max(MIN_ENTRIES, Math.floor(storageBytes / BYTES_PER_ENTRY)));
  const filesOf = (count: number): VolumeUsage['files'] => ({ count, limit: maxEntries });
  const linked = new Set<string>();
  const pending = [root];
  let bytes = 0;
  let entries = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const item of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      entries += 1;
      if (bytes > storageBytes) return { bytes, files: filesOf(entries) };
      if (entries > maxEntries)
        return { bytes, files: filesOf(entries), full: filesLimit(maxEntries, entries) };
      const file = path.join(directory, item.name);
      if (item.isDirectory()) pending.push(file);
      if (item.isFile()) bytes += await fileBytes(file, linked);
    }
  }
  return { bytes, files: filesOf(entries) };
}

/** What a file takes on the disk, a sparse one no more than that; one of many names once. */
async function fileBytes(file: string, linked: Set<string>): Promise<number> {
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return 0;
  const key = `${found.dev}:${found.ino}`;
  if (linked.has(key)) return 0;
  if (found.nlink > 1) linked.add(key);
  return Math.min(found.size, found.blocks * SECTOR);
}

/** A file that is deleted while a process has it open takes its room until that closes it. */
async function deletedBytes(root: string, pids: readonly number[]): Promise<number> {
  const volume = await stat(root).catch(() => undefined);
  const seen = new Set<number>();
  let bytes = 0;
  for (const pid of pids) {
    const directory = `/proc/${pid}/fd`;
    for (const name of await readdir(directory).catch(() => [])) {
      const file = path.join(directory, name);
      if (!(await readlink(file).catch(() => '')).endsWith(' (deleted)')) continue;
      const found = await stat(file).catch(() => undefined);
      if (found?.isFile() !== true || found.dev !== volume?.dev || seen.has(found.ino)) continue;
      seen.add(found.ino);
      bytes += found.blocks * SECTOR;
    }
  }
  return bytes;
}
