import type { RuntimeStats } from '../../interface/exe-unit-runtime.ts';
import { isErgonError } from '../../interface/errors.ts';
import type * as Archive from '../../transfer/archive/index.ts';
import { limitExceeded } from '../reasons.ts';
import { CommandFailure } from './command-failure.ts';

/** A file system keeps some of its blocks to itself: with no more than this share of them left it is full. */
const KEPT_SHARE = 1 / 32;

/** What is left of the agreed storage for one transfer. What does not fit ends it with `LimitExceeded` and the figures. */
export class StorageAllowance {
  readonly #quotaBytes: number;
  readonly #freeBytes: number;
  readonly #files: RuntimeStats['files'];
  readonly #freeFiles: number;

  constructor(quotaBytes: number, { diskBytes, files }: Pick<RuntimeStats, 'diskBytes' | 'files'>) {
    this.#quotaBytes = quotaBytes;
    this.#freeBytes = quotaBytes - diskBytes;
    this.#files = files;
    this.#freeFiles = files === undefined ? Infinity : files.limit - files.count;
  }

  /** @throws CommandFailure when there is no room for so many bytes */
  expectBytes(bytes: number): void {
    if (bytes > this.#freeBytes) throw this.#tooManyBytes(bytes);
  }

  /** @throws CommandFailure when there is no room for another file */
  expectFile(): void {
    if (this.#freeFiles < 1) throw this.#tooManyFiles(0);
  }

  /** Unpacks or copies a tree within the limits that it is given. */
  async fill<T>(
    general: Omit<Archive.ArchiveLimits, 'maxBytes'>,
    work: (limits: Archive.ArchiveLimits) => Promise<T>,
  ): Promise<T> {
    const maxEntries = Math.min(general.maxEntries, this.#freeFiles);
    try {
      return await work({ ...general, maxBytes: this.#freeBytes, maxEntries });
    } catch (error) {
      if (isErgonError(error, 'ERR_ARCHIVE_TOO_LARGE'))
        throw this.#tooManyBytes(Number(error.detail['bytes']));
      const tooMany = isErgonError(error, 'ERR_ARCHIVE_TOO_MANY') && maxEntries < general.maxEntries;
      throw tooMany ? this.#tooManyFiles(maxEntries + 1) : error;
    }
  }

  /** Why the kernel refused to write to the volume, if that is what it is full of; else the disk below it is. */
  whyFull(): CommandFailure | undefined {
    if (this.#freeFiles < 1) return this.#tooManyFiles(0);
    return this.#freeBytes <= this.#quotaBytes * KEPT_SHARE
      ? this.#tooManyBytes(this.#freeBytes + 1)
      : undefined;
  }

  #tooManyBytes(bytes: number): CommandFailure {
    const observed = this.#quotaBytes - this.#freeBytes + bytes;
    return new CommandFailure(limitExceeded('disk', this.#quotaBytes, observed));
  }

  #tooManyFiles(more: number): CommandFailure {
    const { count, limit } = this.#files ?? { count: 0, limit: 0 };
    return new CommandFailure(limitExceeded('files', limit, count + more));
  }
}
