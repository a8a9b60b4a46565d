import { open } from 'node:fs/promises';

const HEAD_BYTES = 512;
const TAR_MAGIC_AT = 257;
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** Told by its first bytes: a tar archive, plain or compressed, as `docker save` and `docker export` write it. */
export async function isImageArchive(file: string): Promise<boolean> {
  const head = await headOf(file);
  const startsWith = (bytes: readonly number[]): boolean => bytes.every((byte, at) => head[at] === byte);
  return (
    startsWith(GZIP) ||
    startsWith(ZSTD) ||
    head.toString('latin1', TAR_MAGIC_AT, TAR_MAGIC_AT + 5) === 'ustar'
  );
}

/** Nothing of what cannot be read: whoever reads it next says why. */
async function headOf(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  }
}
