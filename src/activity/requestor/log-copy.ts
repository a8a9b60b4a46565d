import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSlice, LogStream } from '../../interface/index.ts';
import { hasCode } from '../../util/error-code.ts';

/** The requestor's own copies of its activities' logs: they stay readable when the provider has gone. */
export class LogCopies {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
  }

  /** Bytes that are here; the position from which copying goes on. */
  async size(activityId: string, stream: LogStream): Promise<number> {
    try {
      return (await stat(this.#path(activityId, stream))).size;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 0;
      throw error;
    }
  }

  /** One writer per log: the activity's follower. */
  async append(activityId: string, stream: LogStream, bytes: Uint8Array): Promise<void> {
    const file = await open(this.#path(activityId, stream), 'a', 0o600);
    try {
      await file.appendFile(bytes);
    } finally {
      await file.close();
    }
  }

  async read(
    activityId: string,
    stream: LogStream,
    offset: number,
    maxBytes: number,
  ): Promise<Omit<LogSlice, 'final'>> {
    let file;
    try {
      file = await open(this.#path(activityId, stream), 'r');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return { bytes: new Uint8Array(), offset, end: 0 };
      throw error;
    }
    try {
      const { size } = await file.stat();
      const length = Math.max(0, Math.min(maxBytes, size - offset));
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
      return { bytes: buffer.subarray(0, bytesRead), offset, end: size };
    } finally {
      await file.close();
    }
  }

  /** Both streams; nothing where there is nothing. */
  async remove(activityId: string): Promise<void> {
    await rm(this.#path(activityId, 'stdout'), { force: true });
    await rm(this.#path(activityId, 'stderr'), { force: true });
  }

  /** Ids hold neither dots nor slashes, so the name stays in the directory. */
  #path(activityId: string, stream: LogStream): string {
    return join(this.#dir, `${activityId}.${stream}`);
  }
}
