import { assemble, parseSections } from './binary.ts';
import { capMemoriesAndTables } from './caps.ts';
import { meterFuel } from './fuel.ts';
import { guardGrowth } from './grow-guard.ts';
import { checkInterface } from './interface.ts';
import { MAX_PAGES, PAGE_BYTES } from './limits.ts';
import { exportStartFunction } from './start.ts';

/** What a module is to be limited to, and whether it is to be metered. */
export interface Preparation {
  /** What the guest's memory may grow to. */
  readonly memoryBytes: number;
  /** Count what it does; absent: do not. */
  readonly meterFuel?: boolean;
}

/** Guest memory that fits a limit in bytes: whole pages, and no more than a 32-bit memory can have. */
export function maxPagesOf(memoryBytes: number): number {
  return Math.min(MAX_PAGES, Math.floor(memoryBytes / PAGE_BYTES));
}

/**
 * The module as it will run: checked for what it imports and exports, its memory and tables capped, its memory growth
 * observed, and metered if that is wanted. Runs no code of it and hands it to no compiler.
 * @throws ModuleFormatError saying what is wrong with it
 */
export function prepareModule(source: Uint8Array, preparation: Preparation): Uint8Array<ArrayBuffer> {
  const sections = parseSections(source);
  const { importedFunctions } = checkInterface(sections);
  capMemoriesAndTables(sections, maxPagesOf(preparation.memoryBytes));
  exportStartFunction(sections);
  // First, so that it meters what the program has, and nothing of ours.
  if (preparation.meterFuel === true) meterFuel(sections, importedFunctions);
  guardGrowth(sections, importedFunctions);
  return assemble(sections);
}
