import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../util/digest-file.ts';
import { syncDirectory } from '../../util/files.ts';
import { newId } from '../../util/id.ts';
import { createFileBeneath, openFileBeneath } from '../../util/safe-path.ts';
import { blobFileName } from '../paths.ts';
import type { StorageAllowance } from './storage-allowance.ts';

const CHUNK_BYTES = 1 << 20;

export interface CopyOptions {
  readonly allowance: StorageAllowance;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes?: number) => void;
}

/** A file of the host into the volume; not one byte of it when it would not fit. */
export async function copyIn(
  source: string,
  root: string,
  path: string,
  options: CopyOptions,
): Promise<void> {
  await using input = await open(source, 'r');
  await expectToFit(input, options);
  await using output = await createFileBeneath(root, path);
  await copy(input, output, options);
}

/** A file of the volume to another place in it. */
export async function copyWithin(
  root: string,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  await using input = await openFileBeneath(root, from);
  await expectToFit(input, options);
  await using output = await createFileBeneath(root, to);
  await copy(input, output, options);
}

/** A file of the volume to one of the host, which is not there yet. */
export async function copyOut(
  root: string,
  path: string,
  target: string,
  options: CopyOptions,
): Promise<void> {
  await using input = await openFileBeneath(root, path);
  await expectToFit(input, options);
  await using output = await open(target, 'wx', 0o600);
  await copy(input, output, options);
}

/** Bytes as they come into a new file of the host. */
export async function writeOut(
  bytes: AsyncIterable<Uint8Array>,
  target: string,
  { allowance, signal }: Pick<CopyOptions, 'allowance' | 'signal'>,
): Promise<void> {
  await using output = await open(target, 'wx', 0o600);
  let sizeBytes = 0;
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    sizeBytes += chunk.byteLength;
    allowance.expectBytes(sizeBytes);
    await output.writeFile(chunk);
  }
}

/** A file of its own for the time of `work`. */
export async function withScratch<T>(directory: string, work: (path: string) => Promise<T>): Promise<T> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `.${newId()}`);
  try {
    return await work(path);
  } finally {
    await rm(path, { force: true });
  }
}

/** Gives a finished file in `outputs` the name of its content. */
export async function keepOutput(
  temporary: string,
  outputs: string,
): Promise<{ hash: string; sizeBytes: number }> {
  await using file = await open(temporary, 'r');
  await file.sync();
  const { hex, sizeBytes } = await digestFile(file);
  const hash = `sha256:${hex}`;
  await rename(temporary, join(outputs, blobFileName(hash)));
  await syncDirectory(outputs);
  return { hash, sizeBytes };
}

/** What the outputs of this activity take already. */
export async function sizeOfFiles(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const sizes = (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** A sparse file says what it would take, before it takes it. */
async function expectToFit(input: FileHandle, { allowance }: CopyOptions): Promise<void> {
  allowance.expectFile();
  allowance.expectBytes((await input.stat()).size);
}

async function copy(
  input: FileHandle,
  output: FileHandle,
  { allowance, signal, onProgress }: CopyOptions,
): Promise<void> {
  const { size } = await input.stat();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let sizeBytes = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(chunk, 0, chunk.length, sizeBytes);
    if (bytesRead === 0) return;
    sizeBytes += bytesRead;
    allowance.expectBytes(sizeBytes);
    for (let at = 0; at < bytesRead;) at += (await output.write(chunk, at, bytesRead - at)).bytesWritten;
    onProgress(sizeBytes, Math.max(size, sizeBytes));
  }
}
