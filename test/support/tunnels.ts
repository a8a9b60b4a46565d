import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes that serve the network of an activity somewhere below this directory. */
export function tunnelsIn(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'tunnel' &&
        readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)
      );
    } catch {
      // It has just ended.
      return false;
    }
  });
}
