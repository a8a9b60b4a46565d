import { assemble, parseSections } from './binary.ts';
import { capMemoriesAndTables } from './caps.ts';
import { guardGrowth } from './grow-guard.ts';
import { checkInterface } from './interface.ts';
import { MAX_PAGES, PAGE_BYTES } from './limits.ts';

/** Guest memory that fits a limit in bytes: whole pages, and no more than a 32-bit memory can have. */
export function maxPagesOf(memoryBytes: number): number {
  return Math.min(MAX_PAGES, Math.floor(memoryBytes / PAGE_BYTES));
}

/**
 * The module as it will run: checked for what it imports and exports, its memory and tables capped, and its memory
 * growth observed. Runs no code of it and hands it to no compiler.
 * @throws ModuleFormatError saying what is wrong with it
 */
export function prepareModule(source: Uint8Array, memoryBytes: number): Uint8Array<ArrayBuffer> {
  const sections = parseSections(source);
  const { importedFunctions } = checkInterface(sections);
  capMemoriesAndTables(sections, maxPagesOf(memoryBytes));
  guardGrowth(sections, importedFunctions);
  return assemble(sections);
}
