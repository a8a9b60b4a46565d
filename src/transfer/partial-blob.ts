import { createHash, type Hash } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import type { BlobInfo } from '../interface/transfer.ts';
import { mismatch } from './errors.ts';
import { bytesOf } from './files.ts';
import type { Intake } from './space.ts';

interface Components {
  readonly intake: Intake;
  readonly keep: (info: BlobInfo) => Promise<void>;
}

/** A blob that comes in parts, over disconnections and restarts: a file named after its hash that only grows. */
export class PartialBlob {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #hash: string;
  readonly #digest: Hash;
  readonly #components: Components;
  #offset: number;

  private constructor(
    init: { path: string; hash: string; file: FileHandle; digest: Hash; offset: number },
    components: Components,
  ) {
    this.#path = init.path;
    this.#hash = init.hash;
    this.#file = init.file;
    this.#digest = init.digest;
    this.#offset = init.offset;
    this.#components = components;
  }

  /** Reads what an earlier attempt left: a hash cannot be continued without it. */
  static async open(init: { path: string; hash: string }, components: Components): Promise<PartialBlob> {
    const file = await open(init.path, 'a+', 0o600);
    try {
      const digest = createHash('sha256');
      let offset = 0;
      for await (const chunk of bytesOf(file, 0)) {
        components.intake.take(chunk.byteLength);
        digest.update(chunk);
        offset += chunk.byteLength;
      }
      return new PartialBlob({ ...init, file, digest, offset }, components);
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
    this.#digest.update(chunk);
    this.#offset += chunk.byteLength;
  }

  /** Ends it as a whole blob. Throws ERR_TRANSFER_HASH_MISMATCH, and throws the bytes away then. */
  async complete(): Promise<BlobInfo> {
    const found = `sha256:${this.#digest.digest('hex')}`;
    if (found !== this.#hash) {
      await this.discard();
      throw mismatch(this.#hash, found);
    }
    await this.#file.sync();
    await this.#file.chmod(0o400);
    const info = { hash: this.#hash, sizeBytes: this.#offset };
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
    await unlink(this.#path);
    await this.close();
  }
}
