import type { Command } from 'commander';
import { parseCount } from './parse.ts';

export interface ListFlags {
  readonly limit: number;
}

/** Adds `--limit` to a list. */
export function limitOption(command: Command): void {
  command.option('--limit <count>', 'show at most so many, newest first', parseCount, 50);
}
