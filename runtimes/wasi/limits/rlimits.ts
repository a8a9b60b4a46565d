import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FindProgram } from '../sandbox/programs.ts';

const run = promisify(execFile);

/** Limits that Linux sets on one process (setrlimit). */
export interface ProcessLimits {
  /** Largest file. */
  readonly fileBytes?: number;
}

/** Backstops on a process that runs already. The limits themselves are kept elsewhere: false where these cannot be set. */
export async function limitProcess(pid: number, limits: ProcessLimits, find: FindProgram): Promise<boolean> {
  const prlimit = find('prlimit');
  if (prlimit === undefined || limits.fileBytes === undefined) return false;
  return run(prlimit, [`--fsize=${limits.fileBytes}`, '--pid', String(pid)]).then(
    () => true,
    () => false,
  );
}
