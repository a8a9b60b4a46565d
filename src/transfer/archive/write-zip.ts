import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { ArchiveError } from './errors.ts';
import type { ArchiveEntry } from './entry.ts';

const UNIX = 3;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const DOS_DIRECTORY = 0x10;
/** The first moment that the format knows, in whatever time zone this is. */
const EPOCH = new Date(1980, 0, 1);
/** Without the 64-bit extension, which the writer does not know. */
const MAX_BYTES = 0xffff_ffff;
const MAX_ENTRIES = 0xffff;

export async function* writeZip(nodes: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    // The type says otherwise, but there is an error only when there is one.
    if (error instanceof Error) failure ??= error;
    else ready.push(chunk);
  });
  const bounds = new Bounds();
  const taken = (): Uint8Array[] => {
    if (failure !== undefined) throw failure;
    const chunks = ready;
    ready = [];
    for (const chunk of chunks) bounds.written(chunk.byteLength);
    return chunks;
  };
  for await (const node of nodes) {
    bounds.entry(node.sizeBytes);
    const file = fileOf(node);
    zip.add(file);
    for await (const chunk of node.bytes) {
      file.push(chunk);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}

function fileOf({ names, kind, executable }: ArchiveEntry): ZipDeflate | ZipPassThrough {
  const path = names.join('/');
  const file = kind === 'directory' ? new ZipPassThrough(`${path}/`) : new ZipDeflate(path);
  const type = kind === 'directory' ? S_IFDIR : S_IFREG;
  const mode = type | (executable || kind === 'directory' ? 0o755 : 0o644);
  file.os = UNIX;
  file.attrs = ((mode << 16) | (kind === 'directory' ? DOS_DIRECTORY : 0)) >>> 0;
  file.mtime = EPOCH;
  return file;
}

class Bounds {
  #entries = 0;
  #bytes = 0;

  entry(sizeBytes: number): void {
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES) throw beyond('ERR_ARCHIVE_TOO_MANY', `more than ${MAX_ENTRIES} entries`);
    if (sizeBytes > MAX_BYTES) throw beyond('ERR_ARCHIVE_TOO_LARGE', `a file of ${sizeBytes} bytes`);
  }

  written(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) throw beyond('ERR_ARCHIVE_TOO_LARGE', `more than ${MAX_BYTES} bytes`);
  }
}

function beyond(code: 'ERR_ARCHIVE_TOO_MANY' | 'ERR_ARCHIVE_TOO_LARGE', what: string): ArchiveError {
  return new ArchiveError(code, `A zip archive cannot hold ${what}; use tar or tar.gz`);
}
