import { Level } from 'level';
import { StoreError } from '../errors.ts';
import type { Kv, KvRange, KvWrites } from './kv.ts';
import { errorCode } from '../../util/error-code.ts';

/** Where the database lies. */
export interface LevelKvInit {
  readonly directory: string;
  /** Whether an empty database may be made there. */
  readonly createIfMissing: boolean;
}

/** Each begins with a small letter. */
const ALL_KEYS = ['a', '{'] as const;

/** Ordered keys in a Level database; every write is synced. */
export function levelKv(init: LevelKvInit): Kv {
  return new LevelKv(init);
}

class LevelKv implements Kv {
  readonly #init: LevelKvInit;
  #db: Level | undefined;

  constructor(init: LevelKvInit) {
    this.#init = init;
  }

  async open(): Promise<void> {
    const { directory, createIfMissing } = this.#init;
    const db = new Level(directory, { createIfMissing });
    try {
      await db.open();
    } catch (error) {
      throw openError(error, directory);
    }
    this.#db = db;
  }

  async close(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    await db?.close();
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const [first, ...others] = keys;
    try {
      // Nearly always in memory, and then a trip to another thread costs ten times the read itself.
      if (first !== undefined && others.length === 0) return [this.#opened().getSync(first)];
      return await this.#opened().getMany([...keys]);
    } catch (error) {
      throw readError(error);
    }
  }

  async write(writes: KvWrites): Promise<void> {
    const operations = [...writes].map(([key, value]) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    );
    await this.#opened().batch(operations, { sync: true });
  }

  async *iterate(range: KvRange): AsyncIterable<[string, string]> {
    try {
      yield* this.#opened().iterator(range);
    } catch (error) {
      throw readError(error);
    }
  }

  async compact(): Promise<void> {
    const db = this.#opened();
    if (canCompact(db)) await db.compactRange(...ALL_KEYS);
  }

  #opened(): Level {
    if (this.#db === undefined) throw new StoreError('ERR_STORE_CLOSED', 'The database is not open');
    return this.#db;
  }
}

/** Of the database below that has it: `level` leaves it out of its types, as browsers have none. */
interface Compactable {
  compactRange(start: string, end: string): Promise<void>;
}

function canCompact(db: object): db is Compactable {
  return 'compactRange' in db;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error.cause instanceof Error) return codeOf(error.cause);
  return errorCode(error) ?? '';
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : textOf(error.cause);
}

function openError(error: unknown, directory: string): StoreError {
  if (codeOf(error) === 'LEVEL_LOCKED') {
    return new StoreError(
      'ERR_STORE_LOCKED',
      `Another process has the books at ${directory} open; stop it, or use another data directory`,
      { directory },
      { cause: error },
    );
  }
  return unreadable(`The database at ${directory} does not open`, error);
}

/** A call on a database that is being closed keeps its error; all else says that the disk does not give what it should. */
function readError(error: unknown): unknown {
  return /^LEVEL_(CORRUPTION|IO_ERROR)$/.test(codeOf(error))
    ? unreadable('The database cannot be read', error)
    : error;
}

/** Whether the machine is at fault or the files is told by the system's message alone: Level has one code for both. */
function unreadable(what: string, cause: unknown): StoreError {
  const why = textOf(cause);
  if (
    /permission denied|input\/output error|too many open files|no space left|read-only file system/i.test(why)
  ) {
    return new StoreError(
      'ERR_STORE_UNREADABLE',
      `${what}: ${why}. Mend that and start again.`,
      {},
      { cause },
    );
  }
  const remedy = 'Run `ergon store check`, then `ergon store restore <backup>`.';
  return new StoreError('ERR_STORE_DAMAGED', `${what}: ${why}. ${remedy}`, {}, { cause });
}
