import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createTarDecoder, type ParsedTarEntry, type TarHeader } from 'modern-tar';
import { isErgonError } from '../../interface/errors.ts';
import { badType, entryNames, type ArchiveEntry } from './entry.ts';
import { ArchiveError, damaged } from './errors.ts';
import { chunksOf } from './format.ts';
import type { Quantities } from './limits.ts';
import { knownKinds } from './tar-kinds.ts';

/** The entries of a tar archive, in their order. @throws ArchiveError */
export async function* readTar(
  path: string,
  gzip: boolean,
  quantities: Quantities,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  await using file = await open(path, 'r');
  let readBytes = 0;
  const raw = chunksOf(file, (bytes) => (readBytes = bytes));
  const expanded = knownKinds(
    counted(gzip ? gunzip(raw) : raw, (bytes) => quantities.expanded(readBytes, bytes)),
  );
  const decoder = createTarDecoder({ strict: true });
  // A failure of the source reaches the reader of entries through the decoder, and nothing else waits for this.
  const feeding = ReadableStream.from(expanded).pipeTo(decoder.writable, { signal });
  feeding.catch(() => undefined);
  const entries = decoder.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await entries.read();
      if (done) break;
      yield entryOf(value);
    }
    await feeding;
  } catch (error) {
    signal.throwIfAborted();
    throw isErgonError(error) ? error : damaged(messageOf(error), error);
  } finally {
    await entries.cancel('done').catch(() => undefined);
    await feeding.catch(() => undefined);
  }
}

function entryOf({ header, body }: ParsedTarEntry): ArchiveEntry {
  const { name, type = 'file', size, mode = 0o644, pax } = header;
  const names = entryNames(name);
  if (type !== 'file' && type !== 'directory') throw badType(name, described(type));
  if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) {
    throw new ArchiveError('ERR_ARCHIVE_UNSUPPORTED', `${name.slice(0, 200)} is a sparse file`);
  }
  if (!Number.isSafeInteger(size) || size < 0) throw damaged(`an entry of ${size} bytes`);
  return { names, kind: type, sizeBytes: size, executable: (mode & 0o100) !== 0, bytes: wrapped(body) };
}

function described(type: NonNullable<TarHeader['type']>): string {
  const words: Partial<Record<typeof type, string>> = {
    link: 'a hard link',
    symlink: 'a symbolic link',
    fifo: 'a pipe',
  };
  return words[type] ?? `a ${type.replace('-', ' ')}`;
}

/** What goes wrong in the middle of a file is the archive's fault as well. */
async function* wrapped(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw isErgonError(error) ? error : damaged(messageOf(error), error);
  }
}

async function* gunzip(raw: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(raw, { objectMode: false });
  const inflated = createGunzip();
  source.on('error', (error) => inflated.destroy(error));
  source.pipe(inflated);
  try {
    for await (const chunk of inflated) if (chunk instanceof Uint8Array) yield chunk;
  } finally {
    source.destroy();
    inflated.destroy();
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    count(bytes);
    yield chunk;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : String(error).slice(0, 500);
}
