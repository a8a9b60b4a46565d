import { RuntimeError } from '../../errors.ts';
import { diskLimit, filesLimit, type LimitExit } from '../exit.ts';
import type { TarEntry } from '../image/tar.ts';
import type { VolumeUsage } from '../volume/volume.ts';

const BLOCK_BYTES = 4096;

/** The room that a new volume has, and what is taken of it. A file counts in whole blocks, as it will on the disk. */
export class Allowance {
  readonly #storageBytes: number;
  readonly #maxFiles: number;
  #bytes: number;
  #files: number;

  constructor(storageBytes: number, { bytes, files }: VolumeUsage) {
    this.#storageBytes = storageBytes;
    this.#maxFiles = files.limit;
    this.#bytes = bytes;
    this.#files = files.count;
  }

  /** @throws RuntimeError ERR_RUNTIME_STORAGE before it is written */
  take({ type, size }: Pick<TarEntry, 'type' | 'size'>): void {
    this.#files += 1;
    if (this.#files > this.#maxFiles) throw storageError(filesLimit(this.#maxFiles, this.#files));
    if (type === 'file') this.#bytes += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    if (type === 'directory') this.#bytes += BLOCK_BYTES;
    if (this.#bytes > this.#storageBytes) throw storageError(diskLimit(this.#storageBytes, this.#bytes));
  }
}

/** The image has more for the volume than there is room for. */
export function storageError({ limit, limitValue, observed }: LimitExit): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_STORAGE',
    `What the image has at its volumes takes ${observed} ${limit === 'disk' ? 'bytes' : 'files'} or more of the storage, ${limitValue} are agreed`,
    { limit, limitValue, observed },
  );
}
