import { crc32, deflateRawSync } from 'node:zlib';

/** A tar entry, however wrong. */
export interface TarItem {
  readonly name: string;
  /** '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' directory, '6' pipe. */
  readonly type?: string;
  readonly content?: Uint8Array | string;
  readonly mode?: number;
  readonly linkName?: string;
  /** What the header says, whatever the content is. */
  readonly sizeBytes?: number;
  readonly badChecksum?: boolean;
}

const END = Buffer.alloc(1024);

/** A tar archive made byte by byte, so that it can be one that no program would write. */
export function tarOf(items: readonly TarItem[], end: Buffer = END): Buffer {
  return Buffer.concat([...items.flatMap(tarItem), end]);
}

function tarItem(item: TarItem): Buffer[] {
  const content = Buffer.from(item.content ?? '');
  const name = Buffer.from(item.name);
  const long =
    name.length > 100
      ? tarItem({ name: '././@LongLink', type: 'L', content: Buffer.concat([name, Buffer.alloc(1)]) })
      : [];
  const header = Buffer.alloc(512);
  name.copy(header, 0, 0, Math.min(name.length, 100));
  header.write(octal(item.mode ?? 0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(item.sizeBytes ?? content.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write(item.type ?? '0', 156);
  header.write(item.linkName ?? '', 157);
  header.write('ustar\0' + '00', 257, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0) + (item.badChecksum === true ? 1 : 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return [...long, header, content, Buffer.alloc(-content.length & 511)];
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

export interface ZipItem {
  readonly name: string;
  readonly content?: Uint8Array | string;
  /** Unix mode, type included. */
  readonly mode?: number;
  readonly method?: number;
  readonly crc?: number;
  /** What the central directory says of the size. */
  readonly sizeBytes?: number;
  readonly flags?: number;
  /** Its data are those of the entry of this index. */
  readonly sameDataAs?: number;
}

/** A zip archive made byte by byte. */
export function zipOf(items: readonly ZipItem[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets: number[] = [];
  let offset = 0;
  for (const item of items) {
    const content = Buffer.from(item.content ?? '');
    const method = item.method ?? 8;
    const data = method === 8 ? deflateRawSync(content) : content;
    const name = Buffer.from(item.name);
    const facts = { ...item, method, name, data, content };
    const shared = item.sameDataAs === undefined ? undefined : offsets[item.sameDataAs];
    offsets.push(shared ?? offset);
    central.push(centralHeader(facts, shared ?? offset), name);
    if (shared !== undefined) continue;
    const local = localHeader(facts);
    parts.push(local, name, data);
    offset += local.length + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(items.length, 8);
  end.writeUInt16LE(items.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

type Facts = Omit<ZipItem, 'name' | 'content' | 'method'> & {
  name: Buffer;
  data: Buffer;
  content: Buffer;
  method: number;
};

function localHeader(facts: Facts): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  common(header, 6, facts);
  header.writeUInt16LE(facts.name.length, 26);
  return header;
}

function centralHeader(facts: Facts, offset: number): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((3 << 8) | 20, 4);
  header.writeUInt16LE(20, 6);
  common(header, 8, facts);
  header.writeUInt16LE(facts.name.length, 28);
  header.writeUInt32LE(((facts.mode ?? 0o100644) << 16) >>> 0, 38);
  header.writeUInt32LE(offset, 42);
  return header;
}

function common(header: Buffer, at: number, { flags, method, crc, content, data, sizeBytes }: Facts): void {
  header.writeUInt16LE(flags ?? 0x800, at);
  header.writeUInt16LE(method, at + 2);
  header.writeUInt32LE(crc ?? crc32(content), at + 8);
  header.writeUInt32LE(data.length, at + 12);
  header.writeUInt32LE(sizeBytes ?? content.length, at + 16);
}
