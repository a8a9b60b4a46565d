import { bytes, concat, u32, SECTION, type Section } from './binary.ts';
import {
  cappedLimits,
  MAX_TABLE_ENTRIES,
  PAGE_BYTES,
  readLimits,
  skipValueType,
  type Limits,
} from './limits.ts';
import { ModuleFormatError, Reader } from './reader.ts';

/** A table with an initial value for its entries starts so. */
const TABLE_WITH_INITIALISER = 0x40;

/** Sets the maximum of each memory and table, so that growing beyond it fails cleanly inside the guest. */
export function capMemoriesAndTables(sections: readonly Section[], maxPages: number): void {
  for (const section of sections) {
    if (section.id === SECTION.MEMORY) section.body = capMemories(section.body, maxPages);
    if (section.id === SECTION.TABLE) section.body = capTables(section.body);
  }
}

function capMemories(body: Uint8Array, maxPages: number): Uint8Array {
  const reader = new Reader(body);
  const count = reader.u32();
  if (count > 1)
    throw new ModuleFormatError('it has more than one memory, which WASI preview1 does not have');
  const out = [bytes(...u32(count))];
  for (let i = 0; i < count; i++) {
    const limits = readLimits(reader, 'memory');
    if (limits.minimum > maxPages) {
      const needs = limits.minimum * PAGE_BYTES;
      throw new ModuleFormatError(
        `it needs ${needs} bytes of memory to start with; the limit is ${maxPages * PAGE_BYTES}`,
      );
    }
    out.push(cappedLimits(limits, maxPages));
  }
  return concat(out);
}

interface Table {
  readonly type: Uint8Array;
  readonly limits: Limits;
}

/** All tables together have room for so many entries: each may grow by its share of what is left at first. */
function capTables(body: Uint8Array): Uint8Array {
  const tables = readTables(body);
  const entries = tables.reduce((sum, { limits }) => sum + limits.minimum, 0);
  if (entries > MAX_TABLE_ENTRIES) {
    throw new ModuleFormatError(`its tables have ${entries} entries; the limit is ${MAX_TABLE_ENTRIES}`);
  }
  const share = Math.floor((MAX_TABLE_ENTRIES - entries) / Math.max(1, tables.length));
  const capped = tables.flatMap(({ type, limits }) => [type, cappedLimits(limits, limits.minimum + share)]);
  return concat([bytes(...u32(tables.length)), ...capped]);
}

function readTables(body: Uint8Array): Table[] {
  const reader = new Reader(body);
  const count = reader.u32();
  const tables: Table[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    if (reader.peek() === TABLE_WITH_INITIALISER)
      throw new ModuleFormatError('its table has an initial value; that is not supported');
    skipValueType(reader);
    const type = reader.since(start);
    tables.push({ type, limits: readLimits(reader, 'table') });
  }
  return tables;
}
