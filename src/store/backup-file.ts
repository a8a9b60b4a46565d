import { createReadStream, createWriteStream } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Type, type Static } from 'typebox';
import { checker } from '../util/check.ts';
import { newId } from '../util/id.ts';
import { StoreError } from './errors.ts';
import { syncDirectory } from '../util/files.ts';
import { Surveyor, type Survey } from './verify.ts';

/**
 * A backup is gzipped text: a header line, one line `[key, entry]` for each entry, and a line that ends it. The commit
 * record among the entries tells how many there are and what they add up to, so a reader that surveys them notices
 * whatever is missing or changed.
 */
const HEADER = { format: 'ergon-store-backup', version: 1 } as const;
const Header = Type.Object({ format: Type.Literal(HEADER.format), version: Type.Literal(HEADER.version) });
const Pair = Type.Tuple([Type.String(), Type.String()]);
const Trailer = Type.Object({ end: Type.Literal(true) });
type Pair = Static<typeof Pair>;

const checkHeader = checker(Header, 'header of a backup');
const checkLine = checker(Type.Union([Pair, Trailer]), 'line of a backup');

/** Writes a new file, whole or not at all; throws ERR_STORE_TARGET_EXISTS rather than to replace one. */
export async function writeBackup(target: string, pairs: AsyncIterable<Pair>): Promise<Survey> {
  const temporary = `${target}.${newId()}.new`;
  const surveyor = new Surveyor();
  try {
    const sink = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
    await pipeline(Readable.from(linesOf(pairs, surveyor)), createGzip(), sink);
    const file = await open(temporary, 'r');
    await file.sync().finally(() => file.close());
    await link(temporary, target).catch((cause: unknown) => {
      throw new StoreError(
        'ERR_STORE_TARGET_EXISTS',
        `${target} exists already, or cannot be made`,
        { target },
        { cause },
      );
    });
    await syncDirectory(dirname(target));
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  return surveyor.finish();
}

async function* linesOf(pairs: AsyncIterable<Pair>, surveyor: Surveyor): AsyncGenerator<string> {
  yield lineOf(HEADER);
  for await (const [key, raw] of pairs) {
    surveyor.add(key, raw);
    yield lineOf([key, raw]);
  }
  // A backup of damaged books would be believed one day.
  surveyor.finish();
  yield lineOf({ end: true });
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * All entries, to be surveyed by the reader; throws ERR_STORE_BACKUP when the file is none of ours, cannot be read,
 * or has no end.
 */
export async function* readBackup(path: string): AsyncGenerator<Pair> {
  let begun = false;
  let ended = false;
  for await (const text of textLines(path)) {
    if (ended) throw notABackup(path, 'something follows its end');
    if (!begun) {
      parse(path, text, checkHeader);
      begun = true;
      continue;
    }
    const value = parse(path, text, checkLine);
    if (Array.isArray(value)) yield value;
    else ended = true;
  }
  if (!ended) throw notABackup(path, 'its end is missing');
}

async function* textLines(path: string): AsyncGenerator<string> {
  const text = createGunzip();
  // The iteration below throws what goes wrong here.
  const piped = pipeline(createReadStream(path), text).catch(() => undefined);
  text.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of text) {
      const parts = (rest + String(chunk)).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
  } catch (cause) {
    throw notABackup(path, cause instanceof Error ? cause.message : 'it cannot be read', cause);
  }
  await piped;
  if (rest !== '') throw notABackup(path, 'its last line is cut');
}

function parse<T>(path: string, text: string, check: (value: unknown) => T): T {
  try {
    return check(JSON.parse(text));
  } catch (cause) {
    throw notABackup(path, 'a line is not of a backup', cause);
  }
}

/** ERR_STORE_BACKUP: the file is not, or not wholly, what a backup wrote. */
export function notABackup(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError(
    'ERR_STORE_BACKUP',
    `${path} is damaged or no backup: ${why}. Use another backup.`,
    { path },
    { cause },
  );
}
