import { ArchiveError } from './archive-error.ts';
import { ByteSource } from './byte-source.ts';
import { BLOCK, paddingOf, parseHeader, type RawHeader } from './tar-header.ts';

/** One entry of a tar archive. */
export interface TarEntry {
  /** Without leading `./` and `/`, and trailing `/`. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'other';
  readonly link: string;
  /** Bytes of a file; 0 for everything else. */
  readonly size: number;
  /** Permissions, and the bits beside them. */
  readonly mode: number;
  /** To be read, if at all, before the next entry. */
  readonly body: AsyncIterable<Uint8Array>;
}

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '5': 'directory',
  '3': 'other',
  '4': 'other',
  '6': 'other',
};
/** Longer names and numbers of the next entry: no more is needed for one. */
const MAX_EXTENSION_BYTES = 1 << 20;
const MAX_ENTRIES = 2_000_000;

interface Extension {
  name?: string;
  link?: string;
  size?: number;
}

/**
 * The entries of a tar archive; what comes behind its end is left in `chunks`. Sparse files are refused: they are
 * bombs by construction. @throws ArchiveError
 */
export async function* readTar(chunks: AsyncIterator<Uint8Array>): AsyncGenerator<TarEntry> {
  const source = new ByteSource(chunks);
  let extension: Extension = {};
  let count = 0;
  for (;;) {
    const header = await nextHeader(source);
    if (header === undefined) return;
    if ((count += 1) > MAX_ENTRIES) throw new ArchiveError(`it has more than ${MAX_ENTRIES} entries`);
    if (isExtension(header.type)) {
      extension = { ...extension, ...(await readExtension(source, header)) };
      continue;
    }
    const entry = toEntry(header, extension);
    extension = {};
    const body = new Body(source, entry.size);
    yield { ...entry, body };
    await body.skip();
    await source.exactly(paddingOf(entry.size));
  }
}

async function nextHeader(source: ByteSource): Promise<RawHeader | undefined> {
  const block = await source.exactly(BLOCK);
  if (block.length === 0) return undefined;
  if (block.length < BLOCK) throw new ArchiveError('it breaks off');
  return parseHeader(block);
}

function toEntry(header: RawHeader, extension: Extension): Omit<TarEntry, 'body'> {
  const type = TYPES[header.type];
  if (type === undefined)
    throw new ArchiveError(`it has an entry of a kind that is not allowed (${header.type})`);
  return {
    name: plainName(extension.name ?? header.name),
    link: extension.link ?? header.link,
    type,
    mode: header.mode,
    size: type === 'file' ? (extension.size ?? header.size) : 0,
  };
}

function plainName(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** A file's bytes; whoever reads them may stop anywhere. */
class Body implements AsyncIterable<Uint8Array> {
  readonly #source: ByteSource;
  #left: number;

  constructor(source: ByteSource, size: number) {
    this.#source = source;
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#next();
  }

  async skip(): Promise<void> {
    while (this.#left > 0) await this.#next();
  }

  async #next(): Promise<Uint8Array> {
    const part = await this.#source.some(this.#left);
    if (part === undefined) throw new ArchiveError('it breaks off');
    this.#left -= part.length;
    return part;
  }
}

function isExtension(type: string): boolean {
  return 'xgLK'.includes(type);
}

async function readExtension(source: ByteSource, { type, size }: RawHeader): Promise<Extension> {
  if (size > MAX_EXTENSION_BYTES) throw new ArchiveError('a name in it is too long');
  const body = await source.exactly(size);
  await source.exactly(paddingOf(size));
  const text = body.toString('utf8').replace(/\0[^]*$/, '');
  if (type === 'L') return { name: text };
  if (type === 'K') return { link: text };
  // What holds for all entries says nothing about one.
  return type === 'g' ? {} : paxExtension(body);
}

function paxExtension(body: Buffer): Extension {
  const extension: Extension = {};
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > body.length) {
      throw new ArchiveError('an extended header in it is damaged');
    }
    const record = body.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    takePax(extension, record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return extension;
}

function takePax(extension: Extension, key: string, value: string): void {
  if (key.startsWith('GNU.sparse.')) throw new ArchiveError('it has a sparse file in it');
  if (key === 'path') extension.name = value;
  if (key === 'linkpath') extension.link = value;
  if (key !== 'size') return;
  const size = Number(value);
  if (!Number.isSafeInteger(size) || size < 0) throw new ArchiveError('a number in it is too large');
  extension.size = size;
}
