import { dirname } from 'node:path';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import { makeDirectory } from '../../util/files.ts';
import { newId } from '../../util/id.ts';
import type { Backend } from '../books.ts';
import { Committer } from '../committer.ts';
import type { CommitEntry, MetaEntry } from '../entries.ts';
import { StoreError } from '../errors.ts';
import type { Kv } from '../kv/kv.ts';
import { migrate, schemaVersionOf, writeMeta, type Migration } from '../migrations.ts';
import { OpenTransaction } from '../transaction.ts';
import { noteBegun, refuseNewBooks } from './begun.ts';
import { closeBooks, holdsFiles, openBooks, type OpenBooks } from './open.ts';
import { createSentinel, readSentinel, sentinelPath, type SentinelContent } from './sentinel.ts';

/** Of the layout of keys and entries; not of what features put into records. */
export const STORE_FORMAT = 1;

/** Where the books are, whose they are, and how old forms of them are brought up to date. */
export interface LevelBackendInit {
  /** Folder of the database. The sentinel file stands beside it, as `<directory>.sentinel`. */
  readonly directory: string;
  /** Whose books these are, e.g. the node's address. Books of another are refused. */
  readonly identity?: string;
  /** Where it is noted, apart from the books, that there have been some: none are begun then when they are gone. */
  readonly begunPath?: string;
  readonly migrations?: readonly Migration[];
}

export interface LevelBackendComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Books on disk, opened only if they are what was last acknowledged. */
export class LevelBackend implements Backend {
  readonly #init: LevelBackendInit;
  readonly #components: LevelBackendComponents;
  #open: OpenBooks | undefined;

  constructor(init: LevelBackendInit, components: LevelBackendComponents) {
    this.#init = init;
    this.#components = components;
  }

  get kv(): Kv {
    if (this.#open === undefined) throw new StoreError('ERR_STORE_CLOSED', 'The store is not open');
    return this.#open.kv;
  }

  async open(): Promise<CommitEntry> {
    const { directory } = this.#init;
    await makeDirectory(dirname(directory), 0o700);
    await this.#begin();
    this.#open = await openBooks(directory, (content) => this.#checkOwner(content));
    try {
      const commit = await this.#bringUpToDate(this.#open);
      const { begunPath } = this.#init;
      if (begunPath !== undefined) await noteBegun(begunPath, this.#open.sentinel.content.storeId);
      return commit;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) await closeBooks(open);
  }

  witness({ number, entries, accumulator }: CommitEntry): void {
    this.#open?.sentinel.write({ commit: number, entries, accumulator });
  }

  /** New books begin with their sentinel, so that there is no moment at which a database could be mistaken for new. */
  async #begin(): Promise<void> {
    const { directory, identity, begunPath } = this.#init;
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
    if (begunPath !== undefined) await refuseNewBooks(begunPath, directory);
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
  async #bringUpToDate({ kv, sentinel, survey }: OpenBooks): Promise<CommitEntry> {
    const { identity, migrations = [] } = this.#init;
    this.witness(survey.commit);
    const committer = new Committer(survey.commit, {
      ...this.#components,
      kv,
      witness: (next) => this.witness(next),
      onCommit: () => undefined,
    });
    let meta: MetaEntry;
    if (survey.meta === undefined) {
      const { storeId } = sentinel.content;
      const schemaVersion = schemaVersionOf(migrations);
      meta = {
        storeId,
        ...(identity === undefined ? {} : { identity }),
        format: STORE_FORMAT,
        schemaVersion,
      };
      await writeMeta(committer, meta, new OpenTransaction(kv));
    } else {
      meta = await migrate(kv, committer, survey.meta, migrations);
    }
    sentinel.write({ schemaVersion: meta.schemaVersion });
    sentinel.sync();
    return committer.last;
  }
}
