import { isWhitespace, syntaxError } from './scanner.ts';
import type { Scanner } from './scanner.ts';

const ESCAPABLE = new Set('()*\\');
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads up to an unescaped `)` or the end. Returns the texts between the wildcards: one text when there is none. */
export function parseValue(scanner: Scanner, wildcards: boolean): string[] {
  const parts: string[] = [];
  let part = '';
  /** Length of `part` up to its last character that is not plain whitespace: escaped whitespace stays. */
  let keep = 0;
  for (let char = scanner.peek(); char !== '' && char !== ')'; char = scanner.peek()) {
    if (char === '*') {
      if (!wildcards) scanner.fail('a value without wildcards after an ordering operator (escape * as \\2a)');
      // Runs of stars mean the same as one.
      if (part !== '' || parts.length === 0) parts.push(part);
      [part, keep] = ['', 0];
      scanner.position++;
    } else if (char === '\\') {
      part += parseEscape(scanner);
      keep = part.length;
    } else if (char === '(') {
      scanner.fail("')' or more of the value (escape ( as \\28)");
    } else {
      part += char;
      if (!isWhitespace(char)) keep = part.length;
      scanner.position++;
    }
  }
  parts.push(part.slice(0, keep));
  return parts;
}

function parseEscape(scanner: Scanner): string {
  const next = scanner.peek(1);
  if (ESCAPABLE.has(next)) {
    scanner.position += 2;
    return next;
  }
  const start = scanner.position;
  const bytes: number[] = [];
  while (scanner.peek() === '\\' && !ESCAPABLE.has(scanner.peek(1))) bytes.push(parseHexByte(scanner));
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    throw syntaxError(scanner.text, start, 'bytes of UTF-8', 'the escaped bytes are not UTF-8');
  }
}

function parseHexByte(scanner: Scanner): number {
  const digits = scanner.peek(1) + scanner.peek(2);
  if (!/^[0-9a-fA-F]{2}$/.test(digits))
    scanner.fail('two hex digits, or one of ( ) * \\, after the backslash', scanner.position + 1);
  scanner.position += 3;
  return Number.parseInt(digits, 16);
}
