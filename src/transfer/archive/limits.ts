import { ArchiveError } from './errors.ts';

/** What an archive may unpack to. */
export interface ArchiveLimits {
  /** What the files may take on the disk, all together. */
  readonly maxBytes: number;
  /** Files and directories. */
  readonly maxEntries: number;
  /** Directories within directories. */
  readonly maxDepth: number;
  /** Bytes out for each byte of a compressed archive, beyond `ratioFreeBytes`. */
  readonly maxRatio: number;
  readonly ratioFreeBytes: number;
}

/** Bounds of any archive; how many bytes may come out is the agreement's matter. */
export const ARCHIVE_LIMITS: Omit<ArchiveLimits, 'maxBytes'> = {
  maxEntries: 100_000,
  maxDepth: 64,
  maxRatio: 250,
  ratioFreeBytes: 32 << 20,
};

/** What a file system takes for the least of files: what a million empty files cost is not nothing. */
const BLOCK_BYTES = 4096;
/** A name in an archive may take several headers of its own. */
const HEADER_BYTES = 16 << 10;

/** Counts what comes out of one archive, or goes into it, and refuses what is too much. */
export class Quantities {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** One more file or directory, wanted or not. */
  entry(depth: number): void {
    const { maxEntries, maxDepth } = this.#limits;
    this.#entries += 1;
    if (this.#entries > maxEntries) {
      const message = `There are more than ${maxEntries} files and directories`;
      throw new ArchiveError('ERR_ARCHIVE_TOO_MANY', message, { maxEntries });
    }
    if (depth > maxDepth) {
      const message = `A path has ${depth} components; ${maxDepth} are allowed`;
      throw new ArchiveError('ERR_ARCHIVE_TOO_DEEP', message, { depth, maxDepth });
    }
  }

  /** Counts the room that a file or directory will take once it is written. */
  take(sizeBytes: number): void {
    this.#bytes += Math.max(1, Math.ceil(sizeBytes / BLOCK_BYTES)) * BLOCK_BYTES;
    if (this.#bytes > this.#limits.maxBytes) throw tooLarge(this.#bytes, this.#limits.maxBytes);
  }

  /** Counts how far the archive itself was read, and what that expanded to. Headers and padding count as well. */
  expanded(compressedBytes: number, expandedBytes: number): void {
    const { maxRatio, ratioFreeBytes, maxBytes, maxEntries } = this.#limits;
    if (expandedBytes > ratioFreeBytes + compressedBytes * maxRatio) {
      const message = `${compressedBytes} bytes of the archive became ${expandedBytes}: more than ${maxRatio} to one`;
      throw new ArchiveError('ERR_ARCHIVE_RATIO', message, { compressedBytes, expandedBytes, maxRatio });
    }
    if (expandedBytes > maxBytes + maxEntries * HEADER_BYTES) throw tooLarge(expandedBytes, maxBytes);
  }
}

function tooLarge(bytes: number, maxBytes: number): ArchiveError {
  const message = `The files take ${bytes} bytes or more; ${Math.max(0, maxBytes)} are left of the agreed storage`;
  return new ArchiveError('ERR_ARCHIVE_TOO_LARGE', message, { bytes, maxBytes });
}
