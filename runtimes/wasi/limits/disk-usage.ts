import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { QuotaLimits } from '../host/quota.ts';

const BYTES_PER_ENTRY = 4096;
const MIN_ENTRIES = 1024;
const MAX_ENTRIES = 1_000_000;

/** Room for files of this many bytes in all, and for as many names as blocks of theirs would be. */
export function quotaOf(storageBytes: number): QuotaLimits {
  const entries = Math.min(MAX_ENTRIES, Math.max(MIN_ENTRIES, Math.floor(storageBytes / BYTES_PER_ENTRY)));
  return { bytes: storageBytes, entries };
}

/** What a directory holds. */
export interface DiskUsage {
  /** Sum of the lengths of all files, one of many names once. */
  readonly bytes: number;
  /** Names in all directories. */
  readonly entries: number;
}

/** What is below a directory; what goes meanwhile is not counted. */
export async function measureDisk(root: string): Promise<DiskUsage> {
  const linked = new Set<string>();
  const pending = [root];
  let bytes = 0;
  let entries = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const item of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      entries += 1;
      const file = path.join(directory, item.name);
      if (item.isDirectory()) pending.push(file);
      if (!item.isFile()) continue;
      const stat = await lstat(file).catch(() => undefined);
      const key = `${stat?.dev}:${stat?.ino}`;
      if (stat === undefined || linked.has(key)) continue;
      if (stat.nlink > 1) linked.add(key);
      bytes += stat.size;
    }
  }
  return { bytes, entries };
}
