import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../util/id.ts';
import { createFileBeneath, openFileBeneath } from '../../util/safe-path.ts';
import { ExeUnitError } from '../errors.ts';
import { syncDirectory } from '../files.ts';
import { blobFileName } from '../paths.ts';

const CHUNK_BYTES = 1 << 20;

export type TransferPlan =
  | { readonly kind: 'in'; readonly hash: string; readonly path: string }
  | { readonly kind: 'out'; readonly path: string };

/** @throws ExeUnitError ERR_EXE_UNIT_TRANSFER_UNSUPPORTED */
export function planTransfer(from: string, to: string): TransferPlan {
  if (from.startsWith('blob:sha256:') && to.startsWith('container:')) {
    return { kind: 'in', hash: from.slice('blob:'.length), path: to.slice('container:'.length) };
  }
  if (from.startsWith('container:') && to === 'blob:')
    return { kind: 'out', path: from.slice('container:'.length) };
  throw new ExeUnitError(
    'ERR_EXE_UNIT_TRANSFER_UNSUPPORTED',
    `a transfer from ${from.slice(0, 200)} to ${to.slice(0, 200)} is not supported yet by this runtime`,
  );
}

/** A blob into the volume; not one byte of it when it would not fit. */
export async function transferIn(
  source: string,
  root: string,
  path: string,
  freeBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await stat(source);
  if (size > freeBytes) throw storageFull(size, freeBytes);
  await using input = await open(source, 'r');
  await using output = await createFileBeneath(root, path);
  await copy(input, output, freeBytes, signal);
}

/** A file of the volume into `outputs`, named by its hash. */
export async function transferOut(
  root: string,
  path: string,
  outputs: string,
  quotaBytes: number,
  signal: AbortSignal,
): Promise<{ hash: string; sizeBytes: number }> {
  await mkdir(outputs, { recursive: true, mode: 0o700 });
  const freeBytes = quotaBytes - (await sizeOfFiles(outputs));
  const temporary = join(outputs, `.${newId()}`);
  try {
    const copied = await copyOut(root, path, temporary, freeBytes, signal);
    await rename(temporary, join(outputs, blobFileName(copied.hash)));
    await syncDirectory(outputs);
    return copied;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function copyOut(
  root: string,
  path: string,
  target: string,
  freeBytes: number,
  signal: AbortSignal,
): Promise<{ hash: string; sizeBytes: number }> {
  await using input = await openFileBeneath(root, path);
  // A sparse file says what it would take, before it takes it.
  const { size } = await input.stat();
  if (size > freeBytes) throw storageFull(size, freeBytes);
  await using output = await open(target, 'wx', 0o600);
  const copied = await copy(input, output, freeBytes, signal);
  await output.sync();
  return copied;
}

async function copy(
  input: FileHandle,
  output: FileHandle,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ hash: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let sizeBytes = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(chunk, 0, chunk.length, sizeBytes);
    if (bytesRead === 0) return { hash: `sha256:${hash.digest('hex')}`, sizeBytes };
    sizeBytes += bytesRead;
    if (sizeBytes > maxBytes) throw storageFull(sizeBytes, maxBytes);
    hash.update(chunk.subarray(0, bytesRead));
    for (let at = 0; at < bytesRead;) at += (await output.write(chunk, at, bytesRead - at)).bytesWritten;
  }
}

async function sizeOfFiles(directory: string): Promise<number> {
  const sizes = (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function storageFull(bytes: number, freeBytes: number): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_STORAGE_FULL',
    `${bytes} bytes do not fit: ${Math.max(0, freeBytes)} are left of the agreed storage`,
    {
      bytes,
      freeBytes,
    },
  );
}
