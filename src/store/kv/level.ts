import { Level } from 'level';
import { StoreError } from '../errors.ts';
import type { Kv, KvRange, KvWrites } from './kv.ts';

export interface LevelKvInit {
  readonly directory: string;
  /** Read when it is opened: whether an empty database may be made there. */
  readonly createIfMissing: () => boolean;
}

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
    const db = new Level(directory, { createIfMissing: createIfMissing() });
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
    try {
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

  #opened(): Level {
    if (this.#db === undefined) throw new StoreError('ERR_STORE_CLOSED', 'The database is not open');
    return this.#db;
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error.cause instanceof Error) return codeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
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
  return damaged(`The database at ${directory} does not open: ${textOf(error)}`, error);
}

function readError(error: unknown): unknown {
  return codeOf(error) === 'LEVEL_CORRUPTION'
    ? damaged(`The database is damaged: ${textOf(error)}`, error)
    : error;
}

function damaged(message: string, cause: unknown): StoreError {
  const remedy = 'Run `ergon store check`, then `ergon store restore <backup>`.';
  return new StoreError('ERR_STORE_DAMAGED', `${message}. ${remedy}`, {}, { cause });
}
