import { ModuleFormatError, Reader } from './reader.ts';

/** Ids of the sections that we look into. */
export const SECTION = {
  TYPE: 1,
  IMPORT: 2,
  FUNCTION: 3,
  TABLE: 4,
  MEMORY: 5,
  GLOBAL: 6,
  EXPORT: 7,
  START: 8,
  CODE: 10,
} as const;
/** The order in which sections stand, custom ones (0) anywhere; 13 holds tags, 12 the data count. */
const SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** One section of a module; `body` is without the id and the length. */
export interface Section {
  readonly id: number;
  body: Uint8Array;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const HEADER = Uint8Array.from([...MAGIC, 1, 0, 0, 0]);

/** Cuts a module into its sections. @throws ModuleFormatError when it is no core module of version 1 */
export function parseSections(bytes: Uint8Array): Section[] {
  if (!MAGIC.every((byte, i) => bytes[i] === byte))
    throw new ModuleFormatError('it is not a WebAssembly module');
  if (!HEADER.every((byte, i) => bytes[i] === byte)) {
    throw new ModuleFormatError(
      'it is a WebAssembly component or of an unknown version; a core module of version 1 is needed',
    );
  }
  const reader = new Reader(bytes, HEADER.length);
  const sections: Section[] = [];
  while (!reader.atEnd) sections.push({ id: reader.u8(), body: reader.take(reader.u32()) });
  return sections;
}

/** The module of these sections: the opposite of `parseSections`. */
export function assemble(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  return concat([HEADER, ...sections.flatMap(({ id, body }) => [bytes(id, ...u32(body.length)), body])]);
}

/** The first section with this id, of which a valid module has no second (but for custom ones). */
export function findSection(sections: readonly Section[], id: number): Section | undefined {
  return sections.find((section) => section.id === id);
}

/** Adds `count` entries to the end of a vector section, which is made where the module has none. */
export function appendToSection(sections: Section[], id: number, count: number, entries: Uint8Array): void {
  const existing = findSection(sections, id);
  if (existing === undefined) {
    const after = sections.findIndex(
      (s) => s.id !== 0 && SECTION_ORDER.indexOf(s.id) > SECTION_ORDER.indexOf(id),
    );
    const body = concat([bytes(...u32(count)), entries]);
    sections.splice(after === -1 ? sections.length : after, 0, { id, body });
    return;
  }
  const reader = new Reader(existing.body);
  const before = reader.u32();
  existing.body = concat([bytes(...u32(before + count)), existing.body.subarray(reader.position), entries]);
}

/** How many entries a vector section has; 0 when the module is without it. */
export function vectorLength(sections: readonly Section[], id: number): number {
  const section = findSection(sections, id);
  return section === undefined ? 0 : new Reader(section.body).u32();
}

/** LEB128 of an unsigned number of at most 32 bits. */
export function u32(value: number): number[] {
  const encoded: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    encoded.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return encoded;
}

/** LEB128 of a signed number of at most 64 bits. */
export function signed(value: number | bigint): number[] {
  const encoded: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    const isLast = rest >= -64n && rest < 64n;
    encoded.push(isLast ? low : low | 0x80);
    if (isLast) return encoded;
  }
}

/** These byte values. */
export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** A name as modules have it: its length in UTF-8, then its bytes. */
export function name(text: string): number[] {
  const encoded = new TextEncoder().encode(text);
  return [...u32(encoded.length), ...encoded];
}

/** All parts in one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
