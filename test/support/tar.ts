export interface TarFile {
  readonly name: string;
  readonly body?: Uint8Array;
  /** As in the header; `0`, a file, without it. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  /** Other than the body's length. */
  readonly size?: number;
}

const BLOCK = 512;

/** A tar archive with what a test puts into it, also what no honest program would write. */
export function tarOf(files: readonly TarFile[]): Buffer {
  return Buffer.concat([...files.map(entry), Buffer.alloc(2 * BLOCK)]);
}

function entry({
  name,
  body = new Uint8Array(),
  type = '0',
  link = '',
  mode = 0o644,
  uid = 0,
  size,
}: TarFile): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100);
  header.write(octal(mode, 7), 100);
  header.write(octal(uid, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size ?? body.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\0', 257, 'latin1');
  header.write('00', 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
