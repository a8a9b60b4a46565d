import { fdatasyncSync, writeSync } from 'node:fs';
import { link, open, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type, type Static } from 'typebox';
import { newId } from '../../util/id.ts';
import { checker } from '../../util/check.ts';
import { hasCode } from '../../util/error-code.ts';
import { syncDirectory } from '../../util/files.ts';
import { decodeEntry, encodeEntry } from '../entry.ts';
import { StoreError } from '../errors.ts';

/**
 * What the books held when their newest commit was acknowledged, in a file beside the database, so that the loss of
 * anything in the database, or of all of it, is noticed. It is written after the commit is durable and before the
 * commit is acknowledged: it may lag behind the database after a kill, and never leads.
 *
 * Two slots are written in turn, so that one is whole whatever happens during a write. A write is not synced: after a
 * power loss the sentinel may lag further, which raises no false alarm and only makes it see less.
 */
const SentinelContent = Type.Object(
  {
    storeId: Type.String(),
    identity: Type.Optional(Type.String()),
    format: Type.Integer({ minimum: 1 }),
    schemaVersion: Type.Integer({ minimum: 0 }),
    commit: Type.Integer({ minimum: 0 }),
    entries: Type.Integer({ minimum: 0 }),
    accumulator: Type.String(),
  },
  { additionalProperties: false },
);
export type SentinelContent = Static<typeof SentinelContent>;

const SLOT_BYTES = 1024;
const SLOT_KEY = 'sentinel';
const checkContent = checker(SentinelContent, 'sentinel');

/** Where the sentinel of the books in `directory` stands: beside the folder. */
export function sentinelPath(directory: string): string {
  return `${directory}.sentinel`;
}

interface Slot {
  readonly index: number;
  readonly content: SentinelContent;
}

/** Undefined when there is no file; throws ERR_STORE_DAMAGED when neither slot is whole. */
export async function readSentinel(path: string): Promise<SentinelContent | undefined> {
  return (await readNewest(path))?.content;
}

/** Makes the file, whole or not at all; throws ERR_STORE_TARGET_EXISTS when there is one. */
export async function createSentinel(path: string, content: SentinelContent): Promise<void> {
  const temporary = `${path}.${newId()}.new`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.write(Buffer.concat([slotBytes(content), Buffer.alloc(SLOT_BYTES, ' ')]));
    await file.datasync();
  } finally {
    await file.close();
  }
  try {
    // A link, unlike a rename, does not replace what another process made meanwhile.
    await link(temporary, path);
  } catch (cause) {
    throw new StoreError('ERR_STORE_TARGET_EXISTS', `${path} exists already`, { path }, { cause });
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(dirname(path));
}

/** The sentinel of books that are open. */
export class Sentinel {
  readonly #file: FileHandle;
  #slot: number;
  #content: SentinelContent;

  private constructor(file: FileHandle, newest: Slot) {
    this.#file = file;
    this.#slot = newest.index;
    this.#content = newest.content;
  }

  static async open(path: string): Promise<Sentinel> {
    const newest = await readNewest(path);
    if (newest === undefined) throw new StoreError('ERR_STORE_MISSING', `${path} is missing`, { path });
    return new Sentinel(await open(path, 'r+'), newest);
  }

  get content(): SentinelContent {
    return this.#content;
  }

  /** A few microseconds; survives a kill of the process as soon as it returns. */
  write(change: Partial<SentinelContent>): void {
    const content = { ...this.#content, ...change };
    const slot = 1 - this.#slot;
    writeSync(this.#file.fd, slotBytes(content), 0, SLOT_BYTES, slot * SLOT_BYTES);
    this.#slot = slot;
    this.#content = content;
  }

  /** Makes what was written survive a power loss too. */
  sync(): void {
    fdatasyncSync(this.#file.fd);
  }

  async close(): Promise<void> {
    this.sync();
    await this.#file.close();
  }
}

function slotBytes(content: SentinelContent): Buffer {
  const text = encodeEntry(SLOT_KEY, JSON.stringify(content));
  return Buffer.from(text.padEnd(SLOT_BYTES - 1) + '\n');
}

async function readNewest(path: string): Promise<Slot | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const slots = [0, 1].flatMap((index): Slot[] => {
    const content = parseSlot(bytes.toString('utf8', index * SLOT_BYTES, (index + 1) * SLOT_BYTES).trim());
    return content === undefined ? [] : [{ index, content }];
  });
  const [newest] = slots.sort((a, b) => b.content.commit - a.content.commit);
  if (newest === undefined) {
    throw new StoreError(
      'ERR_STORE_DAMAGED',
      `The sentinel file ${path} is not readable. Run \`ergon store check\`, then \`ergon store restore <backup>\`.`,
      { path },
    );
  }
  return newest;
}

function parseSlot(text: string): SentinelContent | undefined {
  try {
    return checkContent(JSON.parse(decodeEntry(SLOT_KEY, text)));
  } catch {
    // A slot that was never written, or torn by a power loss; the other one counts then.
    return undefined;
  }
}
