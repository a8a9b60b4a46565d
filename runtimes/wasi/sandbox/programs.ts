import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../../errors.ts';

/** Not the PATH of whoever started us: these are run with the daemon's rights. */
const DIRECTORIES = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/run/current-system/sw/bin',
];

export type FindProgram = (name: string) => string | undefined;

/** The absolute path of a helper program of the system. */
export const findProgram: FindProgram = (name) =>
  DIRECTORIES.map((directory) => path.join(directory, name)).find((file) => fs.existsSync(file));

/** The path of a program. @throws RuntimeError ERR_RUNTIME_UNAVAILABLE when it is not installed */
export function required(find: FindProgram, name: string): string {
  const found = find(name);
  if (found !== undefined) return found;
  throw new RuntimeError('ERR_RUNTIME_UNAVAILABLE', `${name} is not installed`, { program: name });
}
