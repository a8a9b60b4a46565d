import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';
import { levelKv } from '../kv/level.ts';

/** Throws ERR_STORE_LOCKED when a process has the database open. Touches nothing where the system tells of locks. */
export async function requireUnlocked(directory: string): Promise<void> {
  const lock = await stat(join(directory, 'LOCK')).catch(() => undefined);
  if (lock === undefined) return;
  const locks = await readFile('/proc/locks', 'utf8').catch(() => undefined);
  if (locks === undefined) return tryOpening(directory);
  // 1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF
  for (const line of locks.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[5]?.split(':')[2] !== String(lock.ino)) continue;
    throw new StoreError(
      'ERR_STORE_LOCKED',
      `Process ${fields[4] ?? '?'} has the books at ${directory} open; stop it first`,
      { directory, pid: Number(fields[4]) },
    );
  }
}

async function tryOpening(directory: string): Promise<void> {
  const kv = levelKv({ directory, createIfMissing: false });
  try {
    await kv.open();
    await kv.close();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ERR_STORE_LOCKED') throw error;
    // Damaged books may be moved aside all the same.
  }
}
