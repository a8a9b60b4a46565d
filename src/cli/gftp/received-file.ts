import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Type } from 'typebox';
import { checker } from '../../util/check.ts';
import { flexbufferBytes } from '../../util/flexbuffers.ts';
import type { Components } from './service.ts';

const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.BigInt()]);
const checkChunk = checker(
  Type.Object({ chunk: Type.Object({ offset: Count, content: Type.Unknown() }) }),
  'UploadChunk',
);
const checkFinished = checker(
  Type.Object({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
  'UploadFinished',
);

/** A file that somebody is to send: it stands under its name once it is whole, and never before. */
export class ReceivedFile {
  readonly id = randomUUID().replaceAll('-', '');
  /** Resolves when the file is there. */
  readonly arrived: Promise<unknown>;
  readonly components: Components = {
    UploadChunk: (payload) => this.#take(payload),
    UploadFinished: (payload) => this.#finish(payload),
  };
  readonly #path: string;
  readonly #partial: string;
  readonly #hasArrived: () => void;
  #file: FileHandle | undefined;
  #hash = createHash('sha3-256');
  #size = 0;

  constructor(path: string) {
    this.#path = resolve(path);
    this.#partial = join(dirname(this.#path), `.${basename(path)}.${this.id.slice(0, 12)}.part`);
    const { promise, resolve: done } = Promise.withResolvers();
    this.arrived = promise;
    this.#hasArrived = () => done(undefined);
  }

  /** Whether there is a place for it at all is told now, not when it comes. */
  async open(): Promise<void> {
    await this.#begin();
  }

  async discard(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rm(this.#partial, { force: true });
  }

  async #begin(): Promise<FileHandle> {
    await this.#file?.close();
    this.#file = await open(this.#partial, 'w');
    this.#hash = createHash('sha3-256');
    this.#size = 0;
    return this.#file;
  }

  async #take(payload: unknown): Promise<void> {
    const { offset, content } = checkChunk(payload).chunk;
    const bytes = flexbufferBytes(content);
    if (bytes === undefined) throw new Error('a chunk brought no bytes');
    // A sender that was interrupted begins anew.
    const file = this.#file === undefined || Number(offset) === 0 ? await this.#begin() : this.#file;
    if (Number(offset) !== this.#size)
      throw new Error(`a chunk for offset ${offset} came where ${this.#size} bytes are there`);
    await file.write(bytes, 0, bytes.byteLength, this.#size);
    this.#hash.update(bytes);
    this.#size += bytes.byteLength;
  }

  async #finish(payload: unknown): Promise<void> {
    const { hash } = checkFinished(payload);
    const file = this.#file ?? (await this.#begin());
    const found = this.#hash.digest('hex');
    this.#file = undefined;
    await file.close();
    if (found !== hash) {
      await this.discard();
      throw new Error(`the file that came has the SHA-3 ${found}, not ${hash}`);
    }
    await rename(this.#partial, this.#path);
    this.#hasArrived();
  }
}
