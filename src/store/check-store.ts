import { StoreError } from './errors.ts';
import { EMPTY_COMMIT, parseCommit, parseMeta } from './entries.ts';
import { verifyEntry } from './entry.ts';
import { COMMIT_KEY, META_KEY } from './keys.ts';
import type { Kv } from './kv/kv.ts';
import { levelKv } from './kv/level.ts';
import { begunPaths, refuseNewBooks } from './level/begun.ts';
import { closeBooks, holdsFiles, isFile, openBooks } from './level/open.ts';
import { readSentinel, sentinelPath } from './level/sentinel.ts';

const MAX_DAMAGED_KEYS = 100;

/** What `ergon store check` prints. */
export interface StoreReport {
  readonly directory: string;
  readonly ok: boolean;
  /** False where there are no books because there have not been any; else absent. */
  readonly begun?: false;
  /** Why the books would be refused, with the code that the daemon would give. */
  readonly problem?: { readonly code: string; readonly message: string };
  readonly storeId?: string;
  readonly identity?: string;
  readonly schemaVersion?: number;
  /** The newest commit that was acknowledged, by the sentinel. */
  readonly acknowledgedCommit?: number;
  /** The newest commit that is there. */
  readonly commit?: number;
  readonly commitAt?: number;
  readonly entries?: number;
  readonly expectedEntries?: number;
  /** Entries of each bucket. */
  readonly records?: Readonly<Record<string, number>>;
  readonly events?: number;
  /** Outbox messages that wait. */
  readonly waiting?: number;
  /** Keys whose entries are not what was written. */
  readonly damagedKeys?: readonly string[];
}

/**
 * Opens the books of a folder as the daemon would, and tells what is there. Never throws for what it finds: books
 * that are damaged, locked or missing are a report with `ok: false`. Where there are none, those of `keystorePath` are
 * missing if it is noted beside it that they were begun; without it nobody knows, and they are missing as well.
 */
export async function checkStore(
  directory: string,
  { keystorePath }: { readonly keystorePath?: string | undefined } = {},
): Promise<StoreReport> {
  let problem: StoreError;
  try {
    if (keystorePath !== undefined && (await hasNone(directory))) {
      for (const path of await begunPaths(keystorePath)) await refuseNewBooks(path, directory);
      return { directory, ok: true, begun: false };
    }
    const books = await openBooks(directory);
    try {
      return { directory, ok: true, ...(await acknowledged(directory)), ...(await contents(books.kv)) };
    } finally {
      await closeBooks(books);
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problem = error;
  }
  return {
    directory,
    ok: false,
    problem: { code: problem.code, message: problem.message },
    ...(await acknowledged(directory).catch(() => ({}))),
    ...(problem.code === 'ERR_STORE_DAMAGED' || problem.code === 'ERR_STORE_STALE'
      ? await remains(directory, problem)
      : {}),
  };
}

/** Neither a folder nor the sentinel that its books would begin with. */
async function hasNone(directory: string): Promise<boolean> {
  return !(await holdsFiles(directory)) && !(await isFile(sentinelPath(directory)));
}

async function acknowledged(directory: string): Promise<Partial<StoreReport>> {
  const sentinel = await readSentinel(sentinelPath(directory));
  return sentinel === undefined ? {} : { acknowledgedCommit: sentinel.commit };
}

/** What can still be read of books that were refused; nothing when Level would change them by opening. */
async function remains(directory: string, problem: StoreError): Promise<Partial<StoreReport>> {
  if ('offset' in problem.detail) return {};
  const kv = levelKv({ directory, createIfMissing: false });
  try {
    await kv.open();
    return await contents(kv);
  } catch {
    return {};
  } finally {
    await kv.close();
  }
}

async function contents(kv: Kv): Promise<Partial<StoreReport>> {
  const records = new Map<string, number>();
  const damagedKeys: string[] = [];
  let [entries, events, waiting] = [0, 0, 0];
  let commit = EMPTY_COMMIT;
  let meta: ReturnType<typeof parseMeta> | undefined;
  for await (const [key, raw] of kv.iterate({})) {
    const [kind, name = ''] = key.split('\0');
    if (key !== COMMIT_KEY) entries += 1;
    if (kind === 'r') records.set(name, (records.get(name) ?? 0) + 1);
    if (kind === 'e') events += 1;
    if (kind === 'o') waiting += 1;
    try {
      verifyEntry(key, raw);
      if (key === COMMIT_KEY) commit = parseCommit(key, raw);
      if (key === META_KEY) meta = parseMeta(key, raw);
    } catch {
      if (damagedKeys.length < MAX_DAMAGED_KEYS) damagedKeys.push(key.replaceAll('\0', ' '));
    }
  }
  return {
    ...(meta === undefined ? {} : { storeId: meta.storeId, schemaVersion: meta.schemaVersion }),
    ...(meta?.identity === undefined ? {} : { identity: meta.identity }),
    commit: commit.number,
    commitAt: commit.at,
    entries,
    expectedEntries: commit.entries,
    records: Object.fromEntries(records),
    events,
    waiting,
    damagedKeys,
  };
}
