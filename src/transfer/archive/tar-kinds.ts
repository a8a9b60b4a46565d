import { ArchiveError } from './errors.ts';

const BLOCK = 512;
const SIZE = { start: 124, end: 136 };
const CHECKSUM = { start: 148, end: 156 };
const TYPE_AT = 156;
/** Files, links, devices, directories, pipes; and what is said of the entry that follows. */
const KNOWN = '\u000001234567xgLK';
const WITHOUT_BODY = '123456';
/** A size that the header has no room for stands in one of these; longer ones are the decoder's matter. */
const MAX_PAX_BYTES = 1 << 20;

/**
 * Passes a tar archive on, but refuses entries of kinds that the decoder takes for plain files and that are none, so
 * that nobody gets a file with the wrong content: sparse files of GNU tar above all.
 * @throws ArchiveError ERR_ARCHIVE_UNSUPPORTED
 */
export async function* knownKinds(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const headers = new HeaderWalk();
  for await (const chunk of source) {
    headers.take(chunk);
    yield chunk;
  }
}

/** Goes from header to header. What it cannot read ends the walk: the decoder says what is wrong with it. */
class HeaderWalk {
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #skip = 0;
  #pax: Buffer[] | undefined;
  #nextSize: number | undefined;
  #isOver = false;

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#isOver;) {
      const rest = chunk.subarray(at);
      at += this.#skip > 0 ? this.#pass(rest) : this.#fill(rest);
    }
  }

  #pass(bytes: Uint8Array): number {
    const part = bytes.subarray(0, Math.min(bytes.length, this.#skip));
    this.#pax?.push(Buffer.from(part));
    this.#skip -= part.length;
    if (this.#skip === 0 && this.#pax !== undefined) {
      this.#nextSize = sizeOf(Buffer.concat(this.#pax)) ?? this.#nextSize;
      this.#pax = undefined;
    }
    return part.length;
  }

  #fill(bytes: Uint8Array): number {
    const part = bytes.subarray(0, BLOCK - this.#filled);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#read();
    }
    return part.length;
  }

  #read(): void {
    const size = number(this.#block.subarray(SIZE.start, SIZE.end));
    if (size === undefined || !hasChecksum(this.#block)) {
      this.#isOver = true;
      return;
    }
    const kind = this.#block.toString('latin1', TYPE_AT, TYPE_AT + 1);
    if (!KNOWN.includes(kind)) throw unknownKind(this.#block, kind);
    if (kind === 'x' && size <= MAX_PAX_BYTES) this.#pax = [];
    const isAboutNext = 'xgLK'.includes(kind);
    const body = isAboutNext ? size : WITHOUT_BODY.includes(kind) ? 0 : (this.#nextSize ?? size);
    if (!isAboutNext) this.#nextSize = undefined;
    this.#skip = Math.ceil(body / BLOCK) * BLOCK;
    if (this.#skip === 0) this.#pax = undefined;
  }
}

/** Octal digits, or GNU's binary form for what does not fit them. */
function number(field: Buffer): number | undefined {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  return digits === undefined ? undefined : parseInt(`0${digits}`, 8);
}

function hasChecksum(block: Buffer): boolean {
  const sum = block.reduce(
    (total, byte, at) => total + (at >= CHECKSUM.start && at < CHECKSUM.end ? 0x20 : byte),
    0,
  );
  return number(block.subarray(CHECKSUM.start, CHECKSUM.end)) === sum;
}

function sizeOf(pax: Buffer): number | undefined {
  const size = Number(/(?:^|\n)\d+ size=(\d{1,15})\n/.exec(pax.toString('latin1'))?.[1] ?? NaN);
  return Number.isSafeInteger(size) ? size : undefined;
}

function unknownKind(block: Buffer, kind: string): ArchiveError {
  const name = block.toString('utf8', 0, 100).replace(/\0.*$/s, '');
  const what = kind === 'S' ? 'a sparse file' : `an entry of the kind ${JSON.stringify(kind)}`;
  return new ArchiveError('ERR_ARCHIVE_UNSUPPORTED', `${JSON.stringify(name)} is ${what}`, { kind });
}
