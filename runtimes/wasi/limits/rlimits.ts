import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FindProgram } from '../sandbox/programs.ts';

const run = promisify(execFile);

export interface ProcessLimits {
  /** Largest file. */
  readonly fileBytes?: number;
  readonly cpuSeconds?: number;
}

/** Backstops on a process that runs already. The limits themselves are kept elsewhere: false where these cannot be set. */
export async function limitProcess(pid: number, limits: ProcessLimits, find: FindProgram): Promise<boolean> {
  const prlimit = find('prlimit');
  const flags = [
    ...(limits.fileBytes === undefined ? [] : [`--fsize=${limits.fileBytes}`]),
    ...(limits.cpuSeconds === undefined ? [] : [`--cpu=${limits.cpuSeconds}`]),
  ];
  if (prlimit === undefined || flags.length === 0) return false;
  return run(prlimit, [...flags, '--pid', String(pid)]).then(
    () => true,
    () => false,
  );
}
