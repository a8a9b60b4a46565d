import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export type TransferErrorCode =
  | 'ERR_TRANSFER_NOT_FOUND'
  | 'ERR_TRANSFER_RANGE'
  | 'ERR_TRANSFER_HASH_INVALID'
  | 'ERR_TRANSFER_HASH_MISMATCH'
  | 'ERR_TRANSFER_CHUNK_MISMATCH'
  | 'ERR_TRANSFER_CHUNK_LIST'
  | 'ERR_TRANSFER_TOO_LARGE'
  | 'ERR_TRANSFER_NO_SPACE'
  | 'ERR_TRANSFER_IN_USE'
  | 'ERR_TRANSFER_DAMAGED'
  | 'ERR_TRANSFER_ABORTED'
  | 'ERR_TRANSFER_URL'
  | 'ERR_TRANSFER_FORBIDDEN_ADDRESS'
  | 'ERR_TRANSFER_HTTP_STATUS'
  | 'ERR_TRANSFER_REDIRECT'
  | 'ERR_TRANSFER_CERTIFICATE'
  | 'ERR_TRANSFER_UNREACHABLE'
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
  ERR_TRANSFER_CHUNK_MISMATCH: {
    meaning:
      'A chunk of a blob that a peer sent is not what its own list of chunk hashes says. The transfer ended there; what came before is kept.',
    remedy:
      'The message names the peer and the chunk. Fetch it again: it goes on behind the last good chunk; if it happens again, the peer or its disk is at fault.',
  },
  ERR_TRANSFER_CHUNK_LIST: {
    meaning: 'A peer tells other chunk hashes of the same blob at every attempt.',
    remedy: 'Fetch the blob from another peer.',
  },
  ERR_TRANSFER_TOO_LARGE: {
    meaning: 'The blob is larger than allowed. What had come was thrown away.',
    remedy: 'Send less, or raise the limit (`api.maxPackageBytes`).',
  },
  ERR_TRANSFER_NO_SPACE: {
    meaning: 'The blob store is full, or the disk is.',
    remedy: 'Delete blobs that are not needed, or give the disk more space.',
  },
  ERR_TRANSFER_IN_USE: {
    meaning: 'The blob cannot be removed: something needs it, or it is part of something that is kept.',
    remedy:
      'The message names what has it. Wait until that is over, or end it (`ergon task cancel`, `ergon agreement terminate`); what belongs to a package or to a task that is over goes with `ergon package remove` or `ergon task remove`.',
  },
  ERR_TRANSFER_DAMAGED: {
    meaning: 'A stored blob no longer fits its hash. It was set aside in the folder `damaged`.',
    remedy: 'Upload or fetch it again, and check the disk.',
  },
  ERR_TRANSFER_ABORTED: {
    meaning: 'The transfer was given up by its caller, or its source broke off.',
    remedy: 'Repeat it if it is still wanted.',
  },
  ERR_TRANSFER_URL: {
    meaning: 'A URL cannot be read, or the hash in it is of no known kind.',
    remedy:
      'Use `https://host/path`, with `#sha256:<hex>` behind it or `hash:sha256:<hex>:` or `hash:sha3:<hex>:` before it to have the hash checked.',
  },
  ERR_TRANSFER_FORBIDDEN_ADDRESS: {
    meaning:
      "The URL leads to an address that strangers must not reach through this node: loopback, a private network, a cloud's metadata service, the node itself.",
    remedy: 'Use a public server; a provider may allow hosts of its own with `provider.transfer.allowHosts`.',
  },
  ERR_TRANSFER_HTTP_STATUS: {
    meaning:
      'The server answered with an error. What it sent with it is not what was asked for, and was not kept.',
    remedy: 'The message has the status; check the URL and whether it may be used without a login.',
  },
  ERR_TRANSFER_REDIRECT: {
    meaning: 'The server sent the request on too often, to nowhere, or from https to http.',
    remedy: 'Use the URL at the end of the redirects.',
  },
  ERR_TRANSFER_CERTIFICATE: {
    meaning:
      'The certificate of an https server is not to be trusted: expired, of another host, or by nobody known.',
    remedy:
      'The message says what is wrong with it. Use another server, or have the node trust who signed it (`NODE_EXTRA_CA_CERTS`).',
  },
  ERR_TRANSFER_UNREACHABLE: {
    meaning: 'The server could not be reached, fell silent, or broke off, several times in a row.',
    remedy: 'Check that it runs and can be reached from elsewhere; then repeat the command.',
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
