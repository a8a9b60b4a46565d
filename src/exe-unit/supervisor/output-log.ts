import { open, type FileHandle } from 'node:fs/promises';
import { SerialQueue } from '../../util/serial-queue.ts';

/** One stream of the workload, kept byte for byte up to a cap that all commands share. */
export class OutputLog {
  readonly #file: FileHandle;
  readonly #maxBytes: number;
  readonly #onOverflow: (wantedBytes: number) => void;
  #bytes = 0;
  #truncated = false;
  readonly #writes = new SerialQueue();

  private constructor(file: FileHandle, maxBytes: number, onOverflow: (wantedBytes: number) => void) {
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#onOverflow = onOverflow;
  }

  static async create(
    path: string,
    maxBytes: number,
    onOverflow: (wantedBytes: number) => void,
  ): Promise<OutputLog> {
    return new OutputLog(await open(path, 'ax', 0o600), maxBytes, onOverflow);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True once something was not kept. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Resolves when the chunk is in the file. Past the cap it resolves at once: a killed flood must drain. */
  async append(chunk: Uint8Array): Promise<void> {
    if (this.#truncated) return;
    const kept = chunk.subarray(0, Math.max(0, this.#maxBytes - this.#bytes));
    this.#bytes += kept.length;
    if (kept.length < chunk.length) {
      this.#truncated = true;
      this.#onOverflow(this.#bytes - kept.length + chunk.length);
    }
    return this.#writes.run(() => this.#write(kept));
  }

  /** All that was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#writes.idle();
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#writes.idle();
    await this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += (await this.#file.write(bytes, at)).bytesWritten;
    }
  }
}
