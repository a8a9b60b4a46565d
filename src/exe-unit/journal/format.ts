import type { JournalRecord } from '../../interface/exe-unit.ts';
import { sha256 } from '../../util/sha256.ts';
import { ExeUnitError } from '../errors.ts';
import { checkRecord } from '../schemas.ts';

/*
 * journal.ndjson: one JSON object a line. Its last member, `sum`, is a checksum over the line's other text and the
 * line before it, so that a flipped byte, a lost line and a swapped one are all noticed. What follows the last
 * newline was torn off by a crash and never happened.
 */

/** The longest line, its newline included. */
export const MAX_LINE_BYTES = 16 << 20;

/** The sum that the first line's is chained to. */
export const FIRST_SUM = '';
const SUM_HEX = 32;
const NEWLINE = 0x0a;
const TAIL = /,"sum":"([0-9a-f]{32})"\}\n$/;
const TAIL_BYTES = `,"sum":"${'0'.repeat(SUM_HEX)}"}\n`.length;

/** A line of a journal, and the sum that the next one builds on. */
export interface EncodedRecord {
  readonly line: Buffer;
  readonly sum: string;
}

/** A record as a line. @throws ExeUnitError ERR_EXE_UNIT_PROTOCOL when it is too long */
export function encodeRecord(record: JournalRecord, previousSum: string): EncodedRecord {
  const body = JSON.stringify(checkRecord(record)).slice(0, -1);
  const sum = sumOf(body, previousSum);
  const line = Buffer.from(`${body},"sum":"${sum}"}\n`);
  if (line.length > MAX_LINE_BYTES) {
    throw new ExeUnitError('ERR_EXE_UNIT_PROTOCOL', `a journal line of ${line.length} bytes is too long`, {
      bytes: line.length,
      maxBytes: MAX_LINE_BYTES,
    });
  }
  return { line, sum };
}

/** @throws ExeUnitError ERR_EXE_UNIT_JOURNAL_DAMAGED */
export function decodeRecord(
  line: Buffer,
  previousSum: string,
  seq: number,
): { record: JournalRecord; sum: string } {
  const body = line.subarray(0, Math.max(0, line.length - TAIL_BYTES));
  const sum = TAIL.exec(line.subarray(body.length).toString('latin1'))?.[1];
  if (sum === undefined || sum !== sumOf(body, previousSum)) throw damaged(seq, 'its checksum is wrong');
  try {
    const record = checkRecord(JSON.parse(`${body.toString()}}`));
    if (record.seq !== seq) throw damaged(seq, `it says that it is record ${record.seq}`);
    return { record, sum };
  } catch (error) {
    throw error instanceof ExeUnitError ? error : damaged(seq, 'it is no journal record', error);
  }
}

/** Index after the first newline, or -1. */
export function endOfLine(bytes: Buffer): number {
  const at = bytes.indexOf(NEWLINE);
  return at === -1 ? -1 : at + 1;
}

export function damaged(seq: number, what: string, cause?: unknown): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_JOURNAL_DAMAGED',
    `line ${seq} of the journal is damaged: ${what}`,
    { seq },
    { cause },
  );
}

function sumOf(body: string | Buffer, previousSum: string): string {
  return sha256(previousSum, '\n', body).toString('hex').slice(0, SUM_HEX);
}
