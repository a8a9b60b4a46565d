import path from 'node:path';
import type { LoadOrder } from '../runner/protocol.ts';
import type { Program } from './package.ts';

/** @param moduleDir by its name in the sandbox */
export function loadOrder({ file, originalFile }: Program, moduleDir: string, maxPages: number): LoadOrder {
  return {
    type: 'load',
    modulePath: path.join(moduleDir, file),
    ...(originalFile === undefined ? {} : { originalPath: path.join(moduleDir, originalFile) }),
    maxPages,
  };
}
