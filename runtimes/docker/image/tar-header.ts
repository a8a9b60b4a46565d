import { ArchiveError } from './archive-error.ts';

export const BLOCK = 512;
const CHECKSUM = { start: 148, end: 156 };

/** A header's fields as they stand; `type` is the type flag, one character. */
export interface RawHeader {
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
}

/** One header block; undefined for the zero block that ends an archive. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, CHECKSUM.start, 8) !== checksum(block))
    throw new ArchiveError('it is no tar archive, or damaged');
  const isUstar = block.toString('latin1', 257, 262) === 'ustar';
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0';
  const prefix = isUstar && !isGnu ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    mode: number(block, 100, 8),
    size: number(block, 124, 12),
    type: block.toString('latin1', 156, 157).replace('\0', '0'),
  };
}

/** A header for a regular file. */
export function makeHeader(name: string, size: number, mode = 0o644): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  if (size >= 8 ** 11) {
    block.fill(0, 124, 136);
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write('00000000000\0', 136);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM.start);
  return block;
}

/** Zero bytes after a file of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const [index, byte] of block.entries()) {
    sum += index >= CHECKSUM.start && index < CHECKSUM.end ? 0x20 : byte;
  }
  return sum;
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or GNU's binary form for what does not fit them. */
function number(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length);
  if (field.readUInt8(0) === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (Number.isSafeInteger(value)) return value;
    throw new ArchiveError('a number in it is too large');
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .replace(/^ +/, '');
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new ArchiveError('it is no tar archive, or damaged');
  return parseInt(digits, 8);
}
