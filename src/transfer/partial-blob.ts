import { createHash, type Hash } from 'node:crypto';
import { open, readFile, rename, rm, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { isErgonError } from '../interface/errors.ts';
import type { BlobHead } from '../interface/network.ts';
import type { BlobInfo } from '../interface/transfer.ts';
import { hasCode } from '../util/error-code.ts';
import { headOf, sameHead, verifiedChunks } from './chunks.ts';
import { mismatch } from './errors.ts';
import { bytesOf } from './files.ts';
import type { Reservation } from './space.ts';

/** What the whole must hash to, in whatever way its name says. */
export interface Digest {
  /** The algorithm's name in node:crypto. */
  readonly algorithm: string;
  readonly hex: string;
}

interface Init {
  readonly path: string;
  /** Without it, whatever came is the blob. */
  readonly expected?: Digest;
  /** It comes in chunks that a list of hashes vouches for: what was left without being on it is not gone on from. */
  readonly isListed?: boolean;
}

interface Components {
  readonly reservation: Reservation;
  readonly keep: (info: BlobInfo) => Promise<void>;
  /** Called once, when nobody writes to it any more; `isUnfinished`: its file is there for a later attempt. */
  readonly leave: (isUnfinished: boolean) => Promise<void>;
}

/** The algorithm of content addresses. Another one is computed as well where the source names its bytes by that. */
const OWN = 'sha256';

/** A blob that comes in parts, over disconnections and restarts: a file that only grows. */
export class PartialBlob {
  readonly #init: Init;
  readonly #file: FileHandle;
  readonly #components: Components;
  #digests: ReadonlyMap<string, Hash>;
  #offset = 0;
  #head: BlobHead | undefined;
  #isOpen = true;

  private constructor(init: Init, file: FileHandle, components: Components) {
    this.#init = init;
    this.#file = file;
    this.#components = components;
    this.#digests = digestsFor(init.expected);
  }

  /** Reads what an earlier attempt left: a hash cannot be continued without it. */
  static async open(init: Init, components: Components): Promise<PartialBlob> {
    const file = await open(init.path, 'a+', 0o600);
    try {
      const partial = new PartialBlob(init, file, components);
      await partial.#recover();
      return partial;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** How many bytes are here. */
  get offset(): number {
    return this.#offset;
  }

  /** The same list as before changes nothing; under another one it begins anew. True when bytes were thrown away. */
  async under(head: BlobHead): Promise<boolean> {
    if (this.#head !== undefined && sameHead(this.#head, head)) return false;
    const isLoss = this.#offset > 0;
    await this.restart();
    const { sizeBytes, chunks } = head;
    const temporary = `${this.#listPath}.new`;
    await writeFile(temporary, JSON.stringify({ sizeBytes, chunks }), { mode: 0o600 });
    await rename(temporary, this.#listPath);
    this.#head = head;
    return isLoss;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#components.reservation.take(chunk.byteLength);
    await this.#file.writeFile(chunk);
    this.#update(chunk);
  }

  /** Throws away what is here: the source begins anew. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#components.reservation.release();
    this.#digests = digestsFor(this.#init.expected);
    this.#offset = 0;
  }

  /** Ends it as a whole blob. Throws ERR_TRANSFER_HASH_MISMATCH, and throws the bytes away then. */
  async complete(): Promise<BlobInfo> {
    const found = new Map([...this.#digests].map(([algorithm, digest]) => [algorithm, digest.digest('hex')]));
    const { expected } = this.#init;
    if (expected !== undefined && found.get(expected.algorithm) !== expected.hex) {
      await this.discard();
      throw mismatch(
        `${expected.algorithm}:${expected.hex}`,
        `${expected.algorithm}:${found.get(expected.algorithm) ?? ''}`,
      );
    }
    await this.#file.sync();
    await this.#file.chmod(0o400);
    const info = { hash: `${OWN}:${found.get(OWN) ?? ''}`, sizeBytes: this.#offset };
    await this.#components.keep(info);
    await rm(this.#listPath, { force: true });
    await this.#leave(false);
    return info;
  }

  /** Leaves it for a later attempt. Idempotent. */
  async close(): Promise<void> {
    await this.#leave(true);
  }

  async discard(): Promise<void> {
    await unlink(this.#init.path);
    await rm(this.#listPath, { force: true });
    await this.#leave(false);
  }

  async #leave(isUnfinished: boolean): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { reservation, leave } = this.#components;
    reservation.release();
    await this.#file.close();
    await leave(isUnfinished);
  }

  get #listPath(): string {
    return listPathOf(this.#init.path);
  }

  /** A power loss may have left holes, and a chunk that was half written: from there on it comes again. */
  async #recover(): Promise<void> {
    const bytes = bytesOf(this.#file, 0);
    if (this.#init.isListed !== true) {
      for await (const chunk of bytes) this.#take(chunk);
      return;
    }
    this.#head = await keptHead(this.#listPath);
    try {
      if (this.#head !== undefined)
        for await (const chunk of verifiedChunks(bytes, this.#head, 0)) this.#take(chunk);
    } catch (error) {
      if (!isErgonError(error, 'ERR_TRANSFER_CHUNK_MISMATCH')) throw error;
    }
    await this.#file.truncate(this.#offset);
  }

  #take(chunk: Uint8Array): void {
    this.#components.reservation.take(chunk.byteLength);
    this.#update(chunk);
  }

  #update(chunk: Uint8Array): void {
    for (const digest of this.#digests.values()) digest.update(chunk);
    this.#offset += chunk.byteLength;
  }
}

/** Beside an unfinished blob: its list of chunk hashes. */
export function listPathOf(path: string): string {
  return `${path}.chunks`;
}

async function keptHead(path: string): Promise<BlobHead | undefined> {
  try {
    return headOf(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function digestsFor(expected: Digest | undefined): ReadonlyMap<string, Hash> {
  const algorithms = new Set([OWN, expected?.algorithm ?? OWN]);
  return new Map([...algorithms].map((algorithm) => [algorithm, createHash(algorithm)]));
}
