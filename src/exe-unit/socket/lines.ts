import type { Readable } from 'node:stream';
import { ExeUnitError } from '../errors.ts';
import { endOfLine, MAX_LINE_BYTES } from '../journal/format.ts';

/**
 * The JSON values of a stream with one on each line. What follows the last newline is dropped.
 * @throws ExeUnitError ERR_EXE_UNIT_PROTOCOL for a line that is too long or no JSON
 */
export async function* readJsonLines(stream: Readable, maxBytes = MAX_LINE_BYTES): AsyncGenerator {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of stream) {
    let rest: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    for (let end = endOfLine(rest); end !== -1; end = endOfLine(rest)) {
      if (pendingBytes + end > maxBytes) throw tooLong(maxBytes);
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      rest = rest.subarray(end);
      pending = [];
      pendingBytes = 0;
      yield parse(line);
    }
    pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > maxBytes) throw tooLong(maxBytes);
  }
}

/** A value as one line. Throws when it is longer than the other side would read. */
export function jsonLine(value: unknown): string {
  const line = `${JSON.stringify(value)}\n`;
  if (Buffer.byteLength(line) > MAX_LINE_BYTES) throw tooLong(MAX_LINE_BYTES);
  return line;
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (cause) {
    throw new ExeUnitError(
      'ERR_EXE_UNIT_PROTOCOL',
      `not JSON: ${line.toString('latin1', 0, 80)}`,
      {},
      { cause },
    );
  }
}

function tooLong(maxBytes: number): ExeUnitError {
  return new ExeUnitError('ERR_EXE_UNIT_PROTOCOL', `a message is longer than ${maxBytes} bytes`, {
    maxBytes,
  });
}
