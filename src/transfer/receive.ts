import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { BlobInfo } from '../interface/transfer.ts';
import { TransferError } from './errors.ts';
import type { Reservation } from './space.ts';

/**
 * Streams into a new file, hashing on the way; the file is durable and read-only when it resolves.
 * @throws TransferError ERR_TRANSFER_ABORTED; what `reservation` and the file system throw
 */
export async function receive(
  path: string,
  source: AsyncIterable<Uint8Array>,
  reservation: Reservation,
  signal: AbortSignal | undefined,
): Promise<BlobInfo> {
  const file = await open(path, 'wx', 0o400);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of source) {
      if (signal?.aborted === true) throw aborted(signal);
      reservation.take(chunk.byteLength);
      hash.update(chunk);
      await file.writeFile(chunk);
      sizeBytes += chunk.byteLength;
    }
    await file.sync();
    return { hash: `sha256:${hash.digest('hex')}`, sizeBytes };
  } finally {
    await file.close();
  }
}

function aborted(signal: AbortSignal): TransferError {
  return new TransferError('ERR_TRANSFER_ABORTED', 'The transfer was given up', {}, { cause: signal.reason });
}
