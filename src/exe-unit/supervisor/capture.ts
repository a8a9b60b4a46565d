import { open } from 'node:fs/promises';
import { MAX_CAPTURE_BYTES, type Capture, type CapturedStream } from '../../interface/exe-script.ts';
import { jsonBytes } from '../../util/json-bytes.ts';

/** Where in a log the output of a command lies. */
export interface LogPart {
  readonly path: string;
  readonly range: { readonly start: number; readonly end: number; readonly truncated?: boolean | undefined };
}

interface Cut {
  readonly headBytes: number;
  readonly tailBytes: number;
}

/** What of a command's output its result is to hold; takes what it needs from the batch's budget. */
export async function capture(
  { path, range }: LogPart,
  wanted: Capture | undefined,
  budget: { leftBytes: number },
): Promise<CapturedStream | undefined> {
  if (wanted === undefined) return undefined;
  const format = formatOf(wanted);
  const length = range.end - range.start;
  let limit = Math.min(MAX_CAPTURE_BYTES, sizeOf(wanted), length);
  const source = { path, start: range.start, end: range.end };
  for (;;) {
    const isWhole = limit === length;
    const { head, tail } = await read(
      source,
      isWhole ? { headBytes: length, tailBytes: 0 } : cutOf(wanted, limit),
    );
    const data =
      format === 'binary'
        ? Buffer.concat([head, tail]).toString('base64')
        : isWhole
          ? head.toString()
          : text(head, tail);
    const bytes = jsonBytes(data);
    if (bytes > budget.leftBytes && limit > 0) {
      // Escapes make some texts longer in JSON than they are: as much of them as fits.
      limit = Math.floor(limit * Math.min(0.9, budget.leftBytes / bytes));
      continue;
    }
    budget.leftBytes -= bytes;
    return { format, data, truncated: !isWhole || range.truncated === true };
  }
}

function formatOf(wanted: Capture): CapturedStream['format'] {
  const { format } = 'atEnd' in wanted ? wanted.atEnd : wanted.stream;
  return format ?? 'string';
}

function sizeOf(wanted: Capture): number {
  if ('stream' in wanted) return wanted.stream.limit ?? Infinity;
  const { atEnd } = wanted;
  if ('head' in atEnd) return atEnd.head;
  if ('tail' in atEnd) return atEnd.tail;
  return 'headTail' in atEnd ? atEnd.headTail : Infinity;
}

function cutOf(wanted: Capture, limit: number): Cut {
  if ('atEnd' in wanted && 'tail' in wanted.atEnd) return { headBytes: 0, tailBytes: limit };
  if ('atEnd' in wanted && 'headTail' in wanted.atEnd) {
    return { headBytes: Math.ceil(limit / 2), tailBytes: Math.floor(limit / 2) };
  }
  return { headBytes: limit, tailBytes: 0 };
}

async function read(
  { path, start, end }: { path: string; start: number; end: number },
  { headBytes, tailBytes }: Cut,
): Promise<{ head: Buffer; tail: Buffer }> {
  await using file = await open(path, 'r');
  const part = async (position: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  return { head: await part(start, headBytes), tail: await part(end - tailBytes, tailBytes) };
}

/** Characters that the cut went through are left out. */
function text(head: Buffer, tail: Buffer): string {
  return `${head.subarray(0, wholeEnd(head)).toString()}${tail.subarray(wholeStart(tail)).toString()}`;
}

const CONTINUATION = 0b1000_0000;
const isContinuation = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0b1100_0000) === CONTINUATION;

function wholeStart(bytes: Buffer): number {
  let at = 0;
  while (at < 3 && isContinuation(bytes[at])) at += 1;
  return at;
}

function wholeEnd(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > bytes.length - 4 && isContinuation(bytes[lead])) lead -= 1;
  const first = bytes[lead];
  if (first === undefined || first < 0b1100_0000) return bytes.length;
  const needed = first >= 0b1111_0000 ? 4 : first >= 0b1110_0000 ? 3 : 2;
  return bytes.length - lead < needed ? lead : bytes.length;
}
