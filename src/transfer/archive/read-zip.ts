import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { isErgonError } from '../../interface/errors.ts';
import { badType, entryNames, type ArchiveEntry } from './entry.ts';
import { ArchiveError, damaged } from './errors.ts';
import type { Quantities } from './limits.ts';

const UNIX = 3;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const STORED = 0;
const DEFLATED = 8;

/** The entries of a zip archive, as its central directory has them. @throws ArchiveError */
export async function* readZip(
  path: string,
  quantities: Quantities,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  let expandedBytes = 0;
  try {
    const zip = await openZip(file);
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      // Entries may share their data with each other, so only the archive as a whole bounds what may come out.
      expandedBytes += entry.uncompressedSize;
      quantities.expanded(size, expandedBytes);
      yield entryOf(zip, entry);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw asArchiveError(error);
  }
}

/** The file stays ours to close: the library closes a descriptor only when it opened it. */
function openZip(file: FileHandle): Promise<ZipFile> {
  // Names as bytes: the library would refuse bad ones itself, but without saying which way they are bad.
  return yauzl.fromFdPromise(file.fd, { autoClose: false, decodeStrings: false, validateEntrySizes: true });
}

function entryOf(zip: ZipFile, entry: Entry): ArchiveEntry {
  const name = yauzl.getFileNameLowLevel(
    entry.generalPurposeBitFlag,
    entry.fileNameRaw,
    entry.extraFields,
    true,
  );
  const names = entryNames(name);
  const mode = entry.versionMadeBy >>> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0;
  const kind = name.endsWith('/') ? 'directory' : 'file';
  const type = mode & S_IFMT;
  if (type !== 0 && type !== (kind === 'file' ? S_IFREG : S_IFDIR)) throw badType(name, describedMode(type));
  if (entry.isEncrypted()) throw unsupported(name, 'is encrypted');
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw unsupported(name, `is compressed by method ${entry.compressionMethod}`);
  }
  if (kind === 'directory' && entry.uncompressedSize > 0) throw badType(name, 'a directory with content');
  return {
    names,
    kind,
    sizeBytes: entry.uncompressedSize,
    executable: (mode & 0o100) !== 0,
    bytes: bytesOf(zip, entry, name),
  };
}

async function* bytesOf(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Uint8Array> {
  let sum = 0;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    try {
      for await (const chunk of stream) {
        if (!(chunk instanceof Uint8Array)) continue;
        sum = crc32(chunk, sum);
        yield chunk;
      }
    } finally {
      stream.destroy();
    }
  } catch (error) {
    throw asArchiveError(error);
  }
  if (sum !== entry.crc32) throw damaged(`the checksum of ${name.slice(0, 200)} is wrong`);
}

function describedMode(type: number): string {
  const words: Readonly<Record<number, string>> = {
    0o120000: 'a symbolic link',
    0o060000: 'a block device',
    0o020000: 'a character device',
    0o010000: 'a pipe',
    0o140000: 'a socket',
  };
  return words[type] ?? `of type ${type.toString(8)}`;
}

function unsupported(name: string, what: string): ArchiveError {
  return new ArchiveError('ERR_ARCHIVE_UNSUPPORTED', `${name.slice(0, 200)} ${what}`);
}

function asArchiveError(error: unknown): Error {
  if (isErgonError(error)) return error;
  return damaged(error instanceof Error ? error.message.slice(0, 500) : 'unreadable', error);
}
