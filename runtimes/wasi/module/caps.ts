import { bytes, concat, u32, SECTION, type Section } from './binary.ts';
import { cappedLimits, MAX_TABLE_ENTRIES, PAGE_BYTES, readLimits, skipValueType } from './limits.ts';
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

function capTables(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  const count = reader.u32();
  const out = [bytes(...u32(count))];
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    if (reader.peek() === TABLE_WITH_INITIALISER)
      throw new ModuleFormatError('its table has an initial value; that is not supported');
    skipValueType(reader);
    out.push(reader.since(start));
    const limits = readLimits(reader, 'table');
    if (limits.minimum > MAX_TABLE_ENTRIES) {
      throw new ModuleFormatError(
        `its table has ${limits.minimum} entries; the limit is ${MAX_TABLE_ENTRIES}`,
      );
    }
    out.push(cappedLimits(limits, MAX_TABLE_ENTRIES));
  }
  return concat(out);
}
