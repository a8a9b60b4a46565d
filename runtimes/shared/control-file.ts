import fs from 'node:fs';

/** Control files of the kernel: a value that is refused, or a file that is not there, is an answer too. */

export function readControl(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** False when the kernel refuses the value, or has no such file. */
export function writeControl(file: string, value: string | number): boolean {
  try {
    fs.writeFileSync(file, String(value));
    return true;
  } catch {
    return false;
  }
}

/** `key value` lines, as in memory.events. */
export function readKey(file: string, key: string): number | undefined {
  const value = new RegExp(`^${key} (\\d+)$`, 'm').exec(readControl(file) ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Undefined for a file that holds no whole number, such as `max`. */
export function readNumber(file: string): number | undefined {
  const text = readControl(file);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** The process ids in a `cgroup.procs`; none when it is not there. */
export function readPids(file: string): number[] {
  return (readControl(file) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

/** A directory of a control group goes when nothing is in it any more. */
export function removeGroup(directory: string): boolean {
  try {
    fs.rmdirSync(directory);
    return true;
  } catch {
    return !fs.existsSync(directory);
  }
}

/** Removes what is empty, and so nobody's, among groups that are older than that: a new one is about to be filled. */
export function sweepGroups(base: string, prefix: string, madeBefore: number): void {
  for (const name of fs.readdirSync(base).filter((entry) => entry.startsWith(prefix))) {
    const directory = `${base}/${name}`;
    const stat = fs.statSync(directory, { throwIfNoEntry: false });
    if (stat !== undefined && stat.mtimeMs < madeBefore) removeGroup(directory);
  }
}

/** Whether groups can be made below this one. */
export function canMakeGroups(directory: string, probeName: string): boolean {
  const probe = `${directory}/${probeName}`;
  try {
    fs.mkdirSync(probe);
    fs.rmdirSync(probe);
    return true;
  } catch {
    return false;
  }
}
