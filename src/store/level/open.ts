import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../util/error-code.ts';
import { StoreError } from '../errors.ts';
import type { Kv } from '../kv/kv.ts';
import { levelKv } from '../kv/level.ts';
import { surveyKv, type Survey } from '../verify.ts';
import { checkLogs } from './log-check.ts';
import { Sentinel, sentinelPath, type SentinelContent } from './sentinel.ts';

/** Books that were found whole, and are held by this process until they are closed. */
export interface OpenBooks {
  readonly kv: Kv;
  readonly sentinel: Sentinel;
  readonly survey: Survey;
}

/**
 * Opens the books in a folder if they are whole and the newest that were acknowledged; throws StoreError otherwise.
 * `guard` may refuse by the sentinel's word before anything of the database is touched.
 */
export async function openBooks(
  directory: string,
  guard?: (content: SentinelContent) => void,
): Promise<OpenBooks> {
  const sentinel = await Sentinel.open(sentinelPath(directory));
  const kv = levelKv({ directory, createIfMissing: sentinel.content.commit === 0 });
  try {
    guard?.(sentinel.content);
    await requireDatabase(directory, sentinel.content);
    await kv.open();
    const survey = await surveyKv(kv);
    compareWithSentinel(survey, sentinel.content, directory);
    return { kv, sentinel, survey };
  } catch (error) {
    await closeBooks({ kv, sentinel });
    throw error;
  }
}

/** Lets go of them; the sentinel is synced at the end. */
export async function closeBooks({ kv, sentinel }: Pick<OpenBooks, 'kv' | 'sentinel'>): Promise<void> {
  await kv.close();
  await sentinel.close();
}

async function requireDatabase(directory: string, { commit }: SentinelContent): Promise<void> {
  if (await isFile(join(directory, 'CURRENT'))) return checkLogs(directory);
  // Nothing was ever acknowledged at commit 0, so there is nothing to lose.
  if (commit === 0) return undefined;
  throw new StoreError(
    'ERR_STORE_MISSING',
    `The books at ${directory} are gone or in part: they stood at commit ${commit}, and there is no CURRENT file. Bring the folder back, or run \`ergon store restore <backup>\`.`,
    { directory, commit },
  );
}

function compareWithSentinel({ commit, meta }: Survey, sentinel: SentinelContent, directory: string): void {
  const remedy = 'Bring the newest folder back, or run `ergon store restore <backup>`.';
  if (meta !== undefined && meta.storeId !== sentinel.storeId) {
    throw new StoreError(
      'ERR_STORE_IDENTITY',
      `The books at ${directory} and their sentinel file do not belong together. ${remedy}`,
      { sentinel: sentinel.storeId, found: meta.storeId },
    );
  }
  if (commit.number < sentinel.commit) {
    throw new StoreError(
      'ERR_STORE_STALE',
      `The books at ${directory} end at commit ${commit.number}, but ${sentinel.commit} was acknowledged: an older copy, or lost writes. ${remedy}`,
      { found: commit.number, expected: sentinel.commit },
    );
  }
  if (commit.number === sentinel.commit && commit.accumulator !== sentinel.accumulator) {
    throw new StoreError(
      'ERR_STORE_DAMAGED',
      `The books at ${directory} are not those that commit ${commit.number} left. ${remedy}`,
      { commit: commit.number },
    );
  }
}

/** Whether there is anything in the folder. */
export async function holdsFiles(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** False also for what cannot be looked at. */
export function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
