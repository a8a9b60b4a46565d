import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';
import { crc32c } from '../../util/crc32c.ts';

/**
 * Level reads its log when it opens: from a damaged record on it silently skips, then deletes the file, and a record
 * that stands there twice aborts the process. So the log is looked at before Level may touch it. Its end may be torn,
 * as a kill leaves it; that is for the sentinel to judge.
 *
 * Format: https://github.com/google/leveldb/blob/main/doc/log_format.md
 */
const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
/** Sequence number of the first operation, then their count. */
const BATCH_HEAD_BYTES = 12;
const FULL = 1;
const FIRST = 2;
const LAST = 4;
const MASK_DELTA = 0xa282ead8;

/** Throws ERR_STORE_DAMAGED when a log of the database is damaged before its end, or holds a batch twice. */
export async function checkLogs(directory: string): Promise<void> {
  const files = await readdir(directory);
  let nextSequence = 0n;
  for (const file of files.filter((name) => /^\d+\.log$/.test(name)).sort()) {
    const path = join(directory, file);
    nextSequence = checkLog(path, await readFile(path), nextSequence);
  }
}

function checkLog(path: string, log: Buffer, firstSequence: bigint): bigint {
  let nextSequence = firstSequence;
  let damagedAt: number | undefined;
  let head = Buffer.alloc(0);
  for (const { offset, type, data, whole } of physicalRecords(log)) {
    if (!whole) {
      damagedAt ??= offset;
      continue;
    }
    if (damagedAt !== undefined)
      throw damagedLog(path, damagedAt, 'a record there is damaged, and others follow it');
    // A batch is cut where a block ends, anywhere, so its head may come in pieces, the first of them empty.
    if (type === FULL || type === FIRST) head = Buffer.alloc(0);
    head = Buffer.concat([head, data.subarray(0, BATCH_HEAD_BYTES - head.length)]);
    if (type !== FULL && type !== LAST) continue;
    if (head.length < BATCH_HEAD_BYTES) throw damagedLog(path, offset, 'a batch there is too short');
    const sequence = head.readBigUInt64LE(0);
    if (sequence < nextSequence) throw damagedLog(path, offset, 'a batch there stands in the log twice');
    nextSequence = sequence + BigInt(head.readUInt32LE(8));
  }
  return nextSequence;
}

interface PhysicalRecord {
  readonly offset: number;
  readonly type: number;
  readonly data: Buffer;
  readonly whole: boolean;
}

function* physicalRecords(log: Buffer): Generator<PhysicalRecord> {
  let offset = 0;
  while (offset + HEADER_BYTES <= log.length) {
    const leftInBlock = BLOCK_BYTES - (offset % BLOCK_BYTES);
    if (leftInBlock < HEADER_BYTES) {
      offset += leftInBlock;
      continue;
    }
    const length = log.readUInt16LE(offset + 4);
    const type = log.readUInt8(offset + 6);
    const end = offset + HEADER_BYTES + length;
    const data = log.subarray(offset + HEADER_BYTES, end);
    const fits = length + HEADER_BYTES <= leftInBlock && type >= FULL && type <= LAST;
    const whole =
      fits && end <= log.length && maskedCrc(log.subarray(offset + 6, end)) === log.readUInt32LE(offset);
    yield { offset, type, data, whole };
    // Without a length to be trusted the next record that can be found is at the start of the next block.
    offset = fits ? end : offset + leftInBlock;
  }
}

function maskedCrc(bytes: Buffer): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

function damagedLog(path: string, offset: number, why: string): StoreError {
  return new StoreError(
    'ERR_STORE_DAMAGED',
    `${path} is damaged at byte ${offset}: ${why}. Nothing was touched. Run \`ergon store restore <backup>\`.`,
    { path, offset },
  );
}
