import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import { newId } from '../../util/id.ts';
import type { Shelf } from '../books.ts';
import { Committer } from '../committer.ts';
import type { CommitEntry, MetaEntry } from '../entries.ts';
import { StoreError } from '../errors.ts';
import type { Kv } from '../kv/kv.ts';
import { levelKv } from '../kv/level.ts';
import { migrate, schemaVersionOf, writeMeta, type Migration } from '../migrations.ts';
import { OpenTransaction } from '../transaction.ts';
import { surveyKv, type Survey } from '../verify.ts';
import { checkLogs } from './log-check.ts';
import { createSentinel, readSentinel, Sentinel, sentinelPath, type SentinelContent } from './sentinel.ts';

/** Of the layout of keys and entries; not of what features put into records. */
export const STORE_FORMAT = 1;

export interface LevelShelfInit {
  /** Folder of the database. The sentinel file stands beside it, as `<directory>.sentinel`. */
  readonly directory: string;
  /** Whose books these are, e.g. the node's address. Books of another are refused. */
  readonly identity?: string;
  readonly migrations?: readonly Migration[];
}

export interface LevelShelfComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Books on disk, opened only if they are what was last acknowledged. */
export class LevelShelf implements Shelf {
  readonly kv: Kv;
  readonly #init: LevelShelfInit;
  readonly #components: LevelShelfComponents;
  #sentinel: Sentinel | undefined;

  constructor(init: LevelShelfInit, components: LevelShelfComponents) {
    this.#init = init;
    this.#components = components;
    this.kv = levelKv({
      directory: init.directory,
      createIfMissing: () => this.#sentinel?.content.commit === 0,
    });
  }

  async open(): Promise<CommitEntry> {
    const { directory } = this.#init;
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
    await this.#findOrBegin();
    const sentinel = await Sentinel.open(sentinelPath(directory));
    this.#sentinel = sentinel;
    try {
      this.#checkOwner(sentinel.content);
      await requireDatabase(directory, sentinel.content);
      await this.kv.open();
      const found = await surveyKv(this.kv);
      compareWithSentinel(found, sentinel.content, directory);
      return await this.#bringUpToDate(found, sentinel);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.kv.close();
    await this.#sentinel?.close();
    this.#sentinel = undefined;
  }

  witness({ number, entries, accumulator }: CommitEntry): void {
    this.#sentinel?.write({ commit: number, entries, accumulator });
  }

  async #findOrBegin(): Promise<void> {
    const { directory, identity } = this.#init;
    const path = sentinelPath(directory);
    if ((await readSentinel(path)) !== undefined) return;
    if (await holdsFiles(directory)) {
      throw new StoreError(
        'ERR_STORE_MISSING',
        `There are books at ${directory}, but their sentinel file ${path} is missing, so it is not known whether they are whole. ` +
          'Bring it back, or run `ergon store restore <backup>`.',
        { directory, path },
      );
    }
    await createSentinel(path, {
      storeId: newId(),
      ...(identity === undefined ? {} : { identity }),
      format: STORE_FORMAT,
      schemaVersion: 0,
      commit: 0,
      entries: 0,
      accumulator: '0',
    });
  }

  #checkOwner(content: SentinelContent): void {
    const { identity, directory, migrations = [] } = this.#init;
    if (identity !== undefined && content.identity !== undefined && identity !== content.identity) {
      throw new StoreError(
        'ERR_STORE_IDENTITY',
        `The books at ${directory} belong to ${content.identity}, and this node is ${identity}. Use the keystore that belongs to them, or another data directory.`,
        { expected: identity, found: content.identity },
      );
    }
    const known = schemaVersionOf(migrations);
    if (content.format > STORE_FORMAT || content.schemaVersion > known) {
      throw new StoreError(
        'ERR_STORE_VERSION',
        `The books at ${directory} are of format ${content.format}, schema ${content.schemaVersion}; this release knows format ${STORE_FORMAT}, schema ${known}. Install a newer release.`,
        { format: content.format, schemaVersion: content.schemaVersion },
      );
    }
  }

  /** Begins new books, finishes a beginning or a migration that a kill interrupted, and lets the sentinel catch up. */
  async #bringUpToDate({ commit, meta }: Survey, sentinel: Sentinel): Promise<CommitEntry> {
    const { clock, logger } = this.#components;
    const { identity, migrations = [] } = this.#init;
    this.witness(commit);
    const committer = new Committer(commit, {
      kv: this.kv,
      clock,
      logger,
      witness: (next) => this.witness(next),
      onCommit: () => undefined,
    });
    let present: MetaEntry;
    if (meta === undefined) {
      const { storeId } = sentinel.content;
      const schemaVersion = schemaVersionOf(migrations);
      present = {
        storeId,
        ...(identity === undefined ? {} : { identity }),
        format: STORE_FORMAT,
        schemaVersion,
      };
      await writeMeta(committer, present, new OpenTransaction(this.kv));
    } else {
      present = await migrate(this.kv, committer, meta, migrations);
    }
    sentinel.write({ schemaVersion: present.schemaVersion });
    sentinel.sync();
    return committer.last;
  }
}

async function requireDatabase(directory: string, { commit }: SentinelContent): Promise<void> {
  const present = await stat(join(directory, 'CURRENT')).then(
    () => true,
    () => false,
  );
  if (present) return checkLogs(directory);
  // Nothing was ever acknowledged at commit 0, so there is nothing to lose.
  if (commit === 0) return undefined;
  throw new StoreError(
    'ERR_STORE_MISSING',
    `The books at ${directory} are gone or in part: they stood at commit ${commit}, and there is no CURRENT file. Bring the folder back, or run \`ergon store restore <backup>\`.`,
    { directory, commit },
  );
}

export function compareWithSentinel(
  { commit, meta }: Survey,
  sentinel: SentinelContent,
  directory: string,
): void {
  const remedy = 'Bring the newest folder back, or run `ergon store restore <backup>`.';
  if (meta !== undefined && meta.storeId !== sentinel.storeId) {
    throw new StoreError(
      'ERR_STORE_IDENTITY',
      `The books at ${directory} and their sentinel file do not belong together. ${remedy}`,
      {
        sentinel: sentinel.storeId,
        found: meta.storeId,
      },
    );
  }
  if (commit.number < sentinel.commit) {
    throw new StoreError(
      'ERR_STORE_STALE',
      `The books at ${directory} end at commit ${commit.number}, but ${sentinel.commit} was acknowledged: an older copy, or lost writes. ${remedy}`,
      { found: commit.number, expected: sentinel.commit },
    );
  }
  if (commit.number === sentinel.commit && commit.number > 0 && commit.accumulator !== sentinel.accumulator) {
    throw new StoreError(
      'ERR_STORE_DAMAGED',
      `The books at ${directory} are not those that commit ${commit.number} left. ${remedy}`,
      { commit: commit.number },
    );
  }
}

async function holdsFiles(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
