import { createHash, type Hash } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import type { BlobInfo } from '../interface/transfer.ts';
import { mismatch } from './errors.ts';
import { bytesOf } from './files.ts';
import type { Intake } from './space.ts';

/** What the whole must hash to, in whatever way its name says. */
export interface Digest {
  /** As node:crypto names it. */
  readonly algorithm: string;
  readonly hex: string;
}

interface Init {
  readonly path: string;
  /** Without it, whatever came is the blob. */
  readonly expected?: Digest;
}

interface Components {
  readonly intake: Intake;
  readonly keep: (info: BlobInfo) => Promise<void>;
}

/** Content addressing needs this one; another is reckoned beside it where a source names its bytes by that. */
const OWN = 'sha256';

/** A blob that comes in parts, over disconnections and restarts: a file that only grows. */
export class PartialBlob {
  readonly #init: Init;
  readonly #file: FileHandle;
  readonly #components: Components;
  #digests: ReadonlyMap<string, Hash>;
  #offset = 0;

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
      for await (const chunk of bytesOf(file, 0)) partial.#take(chunk);
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

  async append(chunk: Uint8Array): Promise<void> {
    this.#components.intake.take(chunk.byteLength);
    await this.#file.writeFile(chunk);
    this.#update(chunk);
  }

  /** Throws away what is here: the source begins anew. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#components.intake.release();
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
    await this.close();
    return info;
  }

  /** Leaves it for a later attempt. Idempotent. */
  async close(): Promise<void> {
    this.#components.intake.release();
    await this.#file.close();
  }

  async discard(): Promise<void> {
    await unlink(this.#init.path);
    await this.close();
  }

  #take(chunk: Uint8Array): void {
    this.#components.intake.take(chunk.byteLength);
    this.#update(chunk);
  }

  #update(chunk: Uint8Array): void {
    for (const digest of this.#digests.values()) digest.update(chunk);
    this.#offset += chunk.byteLength;
  }
}

function digestsFor(expected: Digest | undefined): ReadonlyMap<string, Hash> {
  const algorithms = new Set([OWN, expected?.algorithm ?? OWN]);
  return new Map([...algorithms].map((algorithm) => [algorithm, createHash(algorithm)]));
}
