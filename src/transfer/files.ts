import { constants } from 'node:fs';
import { link, open, unlink, type FileHandle } from 'node:fs/promises';
import { hasCode } from '../util/error-code.ts';
import { errorMessage } from '../util/error-message.ts';
import { TransferError } from './errors.ts';

const CHUNK_BYTES = 256 * 1024;

/** The hex part of `sha256:…`. Every path is made from this, so nothing else gets through. */
export function hexOf(hash: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(hash)?.[1];
  if (hex === undefined) {
    const shown = hash.slice(0, 80);
    throw new TransferError('ERR_TRANSFER_HASH_INVALID', `Not a blob hash: ${shown}`, { hash: shown });
  }
  return hex;
}

/** Bytes of an open file from `offset`, without a position of its own; the caller closes it. */
export async function* bytesOf(file: FileHandle, offset: number): AsyncGenerator<Uint8Array> {
  for (let position = offset; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Opens a plain file for reading; a link is refused. */
export async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new TransferError('ERR_TRANSFER_IO', `${path} is no plain file`, { path });
}

/** Moves a complete, synced file to its final name. False when it was there already; the source is gone either way. */
export async function publish(from: string, to: string): Promise<boolean> {
  let fresh = true;
  await link(from, to).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
    fresh = false;
  });
  await unlink(from);
  return fresh;
}

/** An error of the file system as one of ours. */
export function ioError(cause: unknown, path: string): TransferError {
  if (cause instanceof TransferError) return cause;
  const why = errorMessage(cause);
  const code = hasCode(cause, 'ENOSPC', 'EDQUOT') ? 'ERR_TRANSFER_NO_SPACE' : 'ERR_TRANSFER_IO';
  return new TransferError(code, `Cannot use ${path}: ${why}`, { path }, { cause });
}
