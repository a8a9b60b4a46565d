import { TransferError } from './errors.ts';

/** What the store of blobs may hold, in bytes. */
export interface SpaceLimits {
  /** All blobs together, those on their way included. */
  readonly maxBytes: number;
  readonly maxBlobBytes: number;
}

/** Counts what the store holds and what is on its way in, so that many uploads at once cannot overfill it. */
export class Space {
  readonly #limits: SpaceLimits;
  #storedBytes = 0;
  #count = 0;
  #incomingBytes = 0;

  constructor(limits: SpaceLimits) {
    this.#limits = limits;
  }

  reset(): void {
    this.#storedBytes = 0;
    this.#count = 0;
    this.#incomingBytes = 0;
  }

  usage(): { bytes: number; count: number; maxBytes: number } {
    return { bytes: this.#storedBytes, count: this.#count, maxBytes: this.#limits.maxBytes };
  }

  stored(sizeBytes: number): void {
    this.#storedBytes += sizeBytes;
    this.#count += 1;
  }

  removed(sizeBytes: number): void {
    this.#storedBytes -= sizeBytes;
    this.#count -= 1;
  }

  /** Space of one blob on its way; release it when it has come or was given up. */
  reserve(maxBytes = Infinity): Reservation {
    const limit = Math.min(maxBytes, this.#limits.maxBlobBytes);
    let taken = 0;
    return {
      take: (bytes) => {
        if (taken + bytes > limit) throw tooLarge(limit);
        if (this.#storedBytes + this.#incomingBytes + bytes > this.#limits.maxBytes) throw this.#full(bytes);
        taken += bytes;
        this.#incomingBytes += bytes;
      },
      release: () => {
        this.#incomingBytes -= taken;
        taken = 0;
      },
    };
  }

  #full(bytes: number): TransferError {
    const { maxBytes } = this.#limits;
    const message = `The blob store holds ${this.#storedBytes} of ${maxBytes} bytes; ${bytes} more do not fit`;
    return new TransferError('ERR_TRANSFER_NO_SPACE', message, { storedBytes: this.#storedBytes, maxBytes });
  }
}

/** Room for one blob on its way in. */
export interface Reservation {
  /** Throws ERR_TRANSFER_TOO_LARGE or ERR_TRANSFER_NO_SPACE, and takes nothing then. */
  take(bytes: number): void;
  release(): void;
}

export function tooLarge(limitBytes: number): TransferError {
  const message = `The blob is larger than the ${limitBytes} bytes allowed`;
  return new TransferError('ERR_TRANSFER_TOO_LARGE', message, { maxBytes: limitBytes });
}
