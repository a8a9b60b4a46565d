import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErgonError } from '../interface/errors.ts';
import type { Clock } from '../interface/clock.ts';
import { makeDirectory } from '../util/files.ts';
import { silentLogger } from '../util/silent-logger.ts';
import { notABackup, readBackup, writeBackup } from './backup-file.ts';
import { Committer } from './committer.ts';
import type { CommitEntry } from './entries.ts';
import { StoreError } from './errors.ts';
import type { Kv } from './kv/kv.ts';
import { levelKv } from './kv/level.ts';
import { closeBooks, holdsFiles, isFile, openBooks } from './level/open.ts';
import { requireUnlocked } from './level/lock.ts';
import { createSentinel, sentinelPath } from './level/sentinel.ts';
import { OpenTransaction } from './transaction.ts';
import { Surveyor, type Survey } from './verify.ts';

const BATCH_ENTRIES = 1_000;

/** What a backup holds. */
export interface BackupSummary {
  readonly path: string;
  readonly storeId: string;
  readonly identity?: string;
  /** Of the layout. */
  readonly format: number;
  readonly schemaVersion: number;
  readonly commit: number;
  /** When that commit was made, ms since the epoch. */
  readonly commitAt: number;
  readonly entries: number;
  readonly events: number;
}

/** Books that can be backed up while they are open. */
export interface BackupSource {
  backup(target: string): Promise<BackupSummary>;
}

/**
 * Writes all of one moment's books to a new file. Open books go on meanwhile; those in a folder must not be open
 * elsewhere. Throws ERR_STORE_TARGET_EXISTS, ERR_STORE_LOCKED, or what is wrong with the books: damaged ones are
 * not backed up.
 */
export async function backupStore(source: BackupSource | string, target: string): Promise<BackupSummary> {
  if (typeof source !== 'string') return source.backup(target);
  const books = await openBooks(source);
  try {
    return await backupKv(books.kv, target);
  } finally {
    await closeBooks(books);
  }
}

/** Writes what `kv` holds at one moment to a new file. Throws ERR_STORE_TARGET_EXISTS, ERR_STORE_DAMAGED. */
export async function backupKv(kv: Kv, target: string): Promise<BackupSummary> {
  return summaryOf(await writeBackup(target, kv.iterate({})), target);
}

/** What to do where there are books already. */
export interface RestoreOptions {
  /** Keeps books that are there, under another name, instead of refusing. */
  readonly moveAside?: boolean;
}

/** What was restored. */
export interface RestoreSummary extends BackupSummary {
  /** Where the books went that were there before. */
  readonly movedTo?: string;
}

/**
 * Makes the books of a backup the books of `directory`. The backup is read through before anything is touched, and
 * the restored books begin with an event `store.restored`. Throws ERR_STORE_BACKUP, ERR_STORE_LOCKED, or
 * ERR_STORE_TARGET_EXISTS when there are books and `moveAside` is not set.
 */
export async function restoreStore(
  backup: string,
  directory: string,
  options: RestoreOptions,
  components: { clock: Clock },
): Promise<RestoreSummary> {
  const summary = summaryOf(await surveyBackup(backup), backup);
  const occupied = (await holdsFiles(directory)) || (await isFile(sentinelPath(directory)));
  if (occupied && options.moveAside !== true) {
    throw new StoreError(
      'ERR_STORE_TARGET_EXISTS',
      `There are books at ${directory}. Pass \`--move-aside\` to keep them under another name and restore.`,
      { directory },
    );
  }
  await requireUnlocked(directory);
  await makeDirectory(dirname(directory), 0o700);
  const building = `${directory}.restoring`;
  await rm(building, { recursive: true, force: true });
  const commit = await build(building, backup, summary, components);
  const movedTo = occupied ? await moveAside(directory, components.clock.now()) : undefined;
  // A kill before the last line leaves a sentinel without books, which is refused, never taken for new.
  const { storeId, identity, format, schemaVersion } = summary;
  await createSentinel(sentinelPath(directory), {
    storeId,
    ...(identity === undefined ? {} : { identity }),
    format,
    schemaVersion,
    commit: commit.number,
    entries: commit.entries,
    accumulator: commit.accumulator,
  });
  await rename(building, directory);
  return { ...summary, ...(movedTo === undefined ? {} : { movedTo }) };
}

async function surveyBackup(backup: string): Promise<Survey> {
  const surveyor = new Surveyor();
  try {
    for await (const [key, raw] of readBackup(backup)) surveyor.add(key, raw);
    return surveyor.finish();
  } catch (error) {
    if (!isErgonError(error, 'ERR_STORE_DAMAGED')) throw error;
    throw notABackup(backup, 'its content has been changed', error);
  }
}

async function build(
  directory: string,
  backup: string,
  { storeId, commit, commitAt }: BackupSummary,
  { clock }: { clock: Clock },
): Promise<CommitEntry> {
  const kv = levelKv({ directory, createIfMissing: true });
  await kv.open();
  try {
    const surveyor = new Surveyor();
    let batch = new Map<string, string>();
    for await (const [key, raw] of readBackup(backup)) {
      surveyor.add(key, raw);
      batch.set(key, raw);
      if (batch.size < BATCH_ENTRIES) continue;
      await kv.write(batch);
      batch = new Map();
    }
    await kv.write(batch);
    const committer = new Committer(surveyor.finish().commit, {
      kv,
      clock,
      logger: silentLogger,
      witness: () => undefined,
      onCommit: () => undefined,
    });
    const tx = new OpenTransaction(kv);
    tx.emit({ type: 'store.restored', subject: storeId, data: { commit, commitAt } });
    await committer.commit(await tx.draft(0));
    return committer.last;
  } finally {
    await kv.close();
  }
}

async function moveAside(directory: string, now: number): Promise<string> {
  const target = `${directory}.aside-${now}`;
  if (await isFile(sentinelPath(directory))) await rename(sentinelPath(directory), sentinelPath(target));
  if (await holdsFiles(directory)) await rename(directory, target);
  return target;
}

function summaryOf({ commit, meta }: Survey, path: string): BackupSummary {
  if (meta === undefined) throw new StoreError('ERR_STORE_BACKUP', `${path} holds no books`, { path });
  return {
    path,
    storeId: meta.storeId,
    ...(meta.identity === undefined ? {} : { identity: meta.identity }),
    format: meta.format,
    schemaVersion: meta.schemaVersion,
    commit: commit.number,
    commitAt: commit.at,
    entries: commit.entries,
    events: commit.events,
  };
}
