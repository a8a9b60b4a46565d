import { shorten } from '../../util/shorten.ts';
import { ArchiveError } from './errors.ts';

/** A file or directory in an archive, or on its way into one. Its bytes are to be read to their end before the next entry is asked for. */
export interface ArchiveEntry {
  readonly names: readonly string[];
  readonly kind: 'file' | 'directory';
  readonly sizeBytes: number;
  readonly executable: boolean;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const PATH_MAX_BYTES = 4096;
const NAME_MAX_BYTES = 255;
// Control characters have no place in names that come from elsewhere, and a backslash is a separator to some.
const UNWELCOME = /[\u0000-\u001f\u007f\\]/;

/**
 * The components of an entry's name, none for the root itself.
 * @throws ArchiveError ERR_ARCHIVE_PATH
 */
export function entryNames(path: string): string[] {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) throw badPath(path, 'is absolute');
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) throw badPath(path, 'is too long');
  if (UNWELCOME.test(path)) throw badPath(path, 'has characters that are not allowed');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw badPath(path, 'leads outside');
  if (names.some((name) => Buffer.byteLength(name) > NAME_MAX_BYTES))
    throw badPath(path, 'has too long a name');
  return names;
}

/** What the names of one archive may take in memory, all together. */
const SEEN_MAX_CHARS = 64 << 20;

/** Notices names that would be one file, here or on a file system that cares less for case or for encodings. */
export class SeenNames {
  readonly #files = new Set<string>();
  /** With its spelling, so that `A/x` after `a/y` is noticed too. */
  readonly #directories = new Map<string, string>();
  #chars = 0;

  /** @throws ArchiveError ERR_ARCHIVE_DUPLICATE, ERR_ARCHIVE_TOO_MANY */
  add({ names, kind }: Pick<ArchiveEntry, 'names' | 'kind'>): void {
    if (kind === 'file' && names.length === 0) throw badPath('.', 'can name no file');
    let path = '';
    for (const [index, name] of names.entries()) {
      path = index === 0 ? name : `${path}/${name}`;
      if (index < names.length - 1 || kind === 'directory') this.#directory(path);
    }
    if (kind === 'directory') return;
    const key = folded(path);
    if (this.#files.has(key) || this.#directories.has(key)) throw duplicate(path);
    this.#remember(key);
    this.#files.add(key);
  }

  #directory(path: string): void {
    const key = folded(path);
    if (this.#directories.get(key) === path) return;
    if (this.#directories.has(key) || this.#files.has(key)) throw duplicate(path);
    this.#remember(key);
    this.#directories.set(key, path);
  }

  #remember(key: string): void {
    this.#chars += key.length;
    if (this.#chars <= SEEN_MAX_CHARS) return;
    throw new ArchiveError('ERR_ARCHIVE_TOO_MANY', 'The names of the entries are too long, all together');
  }
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

function duplicate(path: string): ArchiveError {
  return new ArchiveError('ERR_ARCHIVE_DUPLICATE', `Two entries would be ${shorten(path)}`, {
    path: path.slice(0, 200),
  });
}

function badPath(path: string, why: string): ArchiveError {
  return new ArchiveError('ERR_ARCHIVE_PATH', `The entry name ${shorten(path)} ${why}`, {
    path: path.slice(0, 200),
  });
}

export function badType(path: string, what: string): ArchiveError {
  return new ArchiveError('ERR_ARCHIVE_ENTRY_TYPE', `${shorten(path)} is no plain file but ${what}`, {
    path: path.slice(0, 200),
    type: what,
  });
}
