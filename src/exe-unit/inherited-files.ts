import { closeSync, readdirSync, readlinkSync } from 'node:fs';

const FIRST_OF_OURS = 3;

/**
 * Closes the regular files that a process got from its parent without asking: Level opens the daemon's books without
 * close-on-exec, and neither a supervisor nor what it starts may hold them. Call it before anything is opened.
 */
export function closeInheritedFiles(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd < FIRST_OF_OURS || !isFileOfDisk(fd)) continue;
    try {
      closeSync(fd);
    } catch {
      // The listing's own descriptor is gone by now.
    }
  }
}

/** Sockets, pipes and the event loop's own descriptors have no path; devices are harmless. */
function isFileOfDisk(fd: number): boolean {
  try {
    const target = readlinkSync(`/proc/self/fd/${String(fd)}`);
    return target.startsWith('/') && !target.startsWith('/dev/') && !target.startsWith('/proc/');
  } catch {
    return false;
  }
}
