import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type TransferErrorCode =
  | 'ERR_TRANSFER_NOT_FOUND'
  | 'ERR_TRANSFER_RANGE'
  | 'ERR_TRANSFER_HASH_INVALID'
  | 'ERR_TRANSFER_HASH_MISMATCH'
  | 'ERR_TRANSFER_TOO_LARGE'
  | 'ERR_TRANSFER_NO_SPACE'
  | 'ERR_TRANSFER_DAMAGED'
  | 'ERR_TRANSFER_ABORTED'
  | 'ERR_TRANSFER_SCHEME'
  | 'ERR_TRANSFER_IO';

export class TransferError extends ErgonError<TransferErrorCode> {}

export const transferErrors: ErrorCatalogue<TransferErrorCode> = {
  ERR_TRANSFER_NOT_FOUND: {
    meaning: 'The blob is not on this node.',
    remedy: 'Upload it (`ergon package add`) or check the hash.',
  },
  ERR_TRANSFER_RANGE: {
    meaning: 'Bytes beyond the end of a blob were asked for.',
    remedy: 'Ask for an offset between 0 and its size.',
  },
  ERR_TRANSFER_HASH_INVALID: {
    meaning: 'A hash is not `sha256:` and 64 lower-case hex digits.',
    remedy: 'Correct the hash.',
  },
  ERR_TRANSFER_HASH_MISMATCH: {
    meaning: 'The bytes that came are not those of the hash. They were thrown away.',
    remedy: 'Check the source; bytes that a peer sent wrongly are fetched anew at the next attempt.',
  },
  ERR_TRANSFER_TOO_LARGE: {
    meaning: 'The blob is larger than allowed. What had come was thrown away.',
    remedy: 'Send less, or raise the limit (`api.maxPackageBytes`).',
  },
  ERR_TRANSFER_NO_SPACE: {
    meaning: 'The blob store is full, or the disk is.',
    remedy: 'Delete blobs that are not needed, or give the disk more space.',
  },
  ERR_TRANSFER_DAMAGED: {
    meaning: 'A stored blob no longer fits its hash. It was set aside in the folder `damaged`.',
    remedy: 'Upload or fetch it again, and check the disk.',
  },
  ERR_TRANSFER_ABORTED: {
    meaning: 'The transfer was given up by its caller, or its source broke off.',
    remedy: 'Repeat it if it is still wanted.',
  },
  ERR_TRANSFER_SCHEME: {
    meaning: 'Nothing here can read from such a URL.',
    remedy: 'Use one of the schemes that the message names.',
  },
  ERR_TRANSFER_IO: {
    meaning: 'A file of the blob store could not be read or written.',
    remedy: 'The message says which and why; check permissions and the disk.',
  },
};

export function mismatch(expected: string, found: string): TransferError {
  const message = `The bytes hash to ${found}, not to ${expected}; they were thrown away`;
  return new TransferError('ERR_TRANSFER_HASH_MISMATCH', message, { expected, found });
}

export function range(hash: string, offset: number, sizeBytes: number): TransferError {
  const message = `Blob ${hash} has ${sizeBytes} bytes: there is nothing at ${offset}`;
  return new TransferError('ERR_TRANSFER_RANGE', message, { hash, offset, sizeBytes });
}
