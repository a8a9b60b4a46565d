import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSlice } from '../../interface/activity.ts';
import type { Clock } from '../../interface/clock.ts';
import type { ExeUnitSpec } from '../../interface/exe-unit.ts';
import { BlobHash, Id } from '../../interface/values.ts';
import { problems } from '../../util/check.ts';
import { hasCode } from '../../util/error-code.ts';
import { removeTree } from '../files.ts';
import { JournalTail } from '../journal/tail.ts';
import { activitiesDirectory, blobFileName, TRASH_PREFIX, WARM_PREFIX, workPaths } from '../paths.ts';
import { readIdentity } from '../process-identity.ts';
import { isEnd } from './follow.ts';
import { supervisorStatus } from './status.ts';

const MAX_SLICE_BYTES = 16 << 20;

/** Whether there is something at a path. Throws when that cannot be found out. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Makes the directory that holds those of all activities; others cannot look into it. */
export async function makeActivitiesDirectory(dataDir: string): Promise<void> {
  await mkdir(activitiesDirectory(dataDir), { recursive: true, mode: 0o700 });
}

/** Ids of all activities that have a directory. */
export async function activityIds(dataDir: string): Promise<string[]> {
  return (await names(dataDir)).filter(isActivityId).sort();
}

/** False for the name of a directory that no activity has yet, or any more. */
export function isActivityId(name: string): boolean {
  return problems(Id, name).length === 0;
}

/**
 * Removes what a killed daemon left: half removed directories, and those of idle supervisors. Called before this
 * daemon starts its own. An orphan that is still coming up without a name finds its directory gone, and ends too.
 */
export async function sweep(dataDir: string, clock: Clock): Promise<void> {
  for (const name of await names(dataDir)) {
    const path = join(activitiesDirectory(dataDir), name);
    const abandoned = name.startsWith(WARM_PREFIX) && (await isAbandoned(path, clock));
    if (abandoned || name.startsWith(TRASH_PREFIX)) await removeTree(path);
  }
}

async function isAbandoned(path: string, clock: Clock): Promise<boolean> {
  if ((await readIdentity(workPaths(path).supervisor)) === undefined) return true;
  return (await supervisorStatus(path, clock)) === 'gone';
}

/** Renamed out of the way first, in one step, so that a crash leaves no half an activity. */
export async function discard(dataDir: string, activityId: string, directory: string): Promise<void> {
  const trash = join(activitiesDirectory(dataDir), `${TRASH_PREFIX}${activityId}`);
  await removeTree(trash);
  await rename(directory, trash);
  await removeTree(trash);
}

/** The specification in the journal's first record. */
export async function createdSpec(directory: string): Promise<ExeUnitSpec | undefined> {
  for await (const record of new JournalTail(workPaths(directory).journal).read()) {
    return record.type === 'created' ? record.spec : undefined;
  }
  return undefined;
}

/** The file of an output; undefined when the activity has none with this hash. */
export async function outputBlobPath(directory: string, hash: string): Promise<string | undefined> {
  if (problems(BlobHash, hash).length > 0) return undefined;
  const path = join(workPaths(directory).outputs, blobFileName(hash));
  return (await isThere(path)) ? path : undefined;
}

/** Remembers of each activity how much of its journal was read, and whether it has ended. */
export class JournalEnds {
  readonly #known = new Map<string, { tail: JournalTail; ended: Promise<boolean> }>();

  async hasEnded(directory: string): Promise<boolean> {
    const known = this.#known.get(directory) ?? {
      tail: new JournalTail(workPaths(directory).journal),
      ended: Promise.resolve(false),
    };
    this.#known.set(directory, known);
    // One reader at a time, each from where the one before it stopped.
    known.ended = known.ended.then(
      (ended) => ended || readToEnd(known.tail),
      () => readToEnd(known.tail),
    );
    return known.ended;
  }

  forget(directory: string): void {
    this.#known.delete(directory);
  }
}

async function readToEnd(tail: JournalTail): Promise<boolean> {
  for await (const record of tail.read()) if (isEnd(record)) return true;
  return false;
}

/** At most `maxBytes` of a log from `offset`; `ended` says that nothing more will be written. */
export async function readLogSlice(
  path: string,
  offset: number,
  maxBytes: number,
  ended: boolean,
): Promise<LogSlice> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const wanted = Math.max(0, Math.min(maxBytes, MAX_SLICE_BYTES, size - offset));
  const buffer = Buffer.alloc(wanted);
  let bytesRead = 0;
  while (bytesRead < wanted) {
    const read = await file.read(buffer, bytesRead, wanted - bytesRead, offset + bytesRead);
    if (read.bytesRead === 0) break;
    bytesRead += read.bytesRead;
  }
  return {
    bytes: buffer.subarray(0, bytesRead),
    offset,
    end: size,
    final: ended && offset + bytesRead >= size,
  };
}

async function names(dataDir: string): Promise<string[]> {
  try {
    return await readdir(activitiesDirectory(dataDir));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
