import { open, type FileHandle } from 'node:fs/promises';
import { ArchiveError } from './errors.ts';

/** The archives that can be read and written. */
export type ArchiveFormat = 'tar' | 'tar.gz' | 'zip';

const HEAD_BYTES = 512;
const USTAR_AT = 257;

/**
 * Which archive a file is, by its first bytes.
 * @throws ArchiveError ERR_ARCHIVE_FORMAT
 */
export async function detectFormat(path: string): Promise<ArchiveFormat> {
  await using file = await open(path, 'r');
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
  const found = formatOf(head.subarray(0, bytesRead));
  if (found !== undefined) return found;
  throw new ArchiveError('ERR_ARCHIVE_FORMAT', 'The file is no tar, tar.gz or zip archive', {
    head: head.subarray(0, Math.min(bytesRead, 8)).toString('hex'),
  });
}

function formatOf(head: Buffer): ArchiveFormat | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'tar.gz';
  const signature = head.subarray(0, 4).toString('latin1');
  if (signature === 'PK\x03\x04' || signature === 'PK\x05\x06') return 'zip';
  if (head.subarray(USTAR_AT, USTAR_AT + 5).toString('latin1') === 'ustar') return 'tar';
  // An empty tar archive is nothing but zeros.
  if (head.length === HEAD_BYTES && head.every((byte) => byte === 0)) return 'tar';
  return undefined;
}

/** Refuses at once what is plainly something else; a tar without a magic number is left to its reader. */
export async function expectFormat(path: string, format: ArchiveFormat): Promise<void> {
  const found = await detectFormat(path).catch(() => undefined);
  if (found === format || (found === undefined && format === 'tar')) return;
  throw new ArchiveError(
    'ERR_ARCHIVE_FORMAT',
    `The file is no ${format} archive${found ? ` but ${found}` : ''}`,
    {
      format,
      ...(found === undefined ? {} : { found }),
    },
  );
}

const CHUNK_BYTES = 256 << 10;

/** A file's bytes, and how many of them there were so far. */
export async function* chunksOf(
  file: FileHandle,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    onRead?.(position);
    yield buffer.subarray(0, bytesRead);
  }
}
