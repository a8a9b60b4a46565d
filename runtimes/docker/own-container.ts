import { readFileSync } from 'node:fs';
import type { Engine } from './engine/engine.ts';

/** The container that this process runs in itself: one of the engine that it asks. */
export interface OwnContainer {
  readonly id: string;
  /** Directories as the engine names them, by our names. */
  readonly hostPaths: Readonly<Record<string, string>>;
}

/** Undefined for a process on the host, or in a container of something else. */
export async function ownContainer(engine: Engine): Promise<OwnContainer | undefined> {
  const id = ownContainerId(readFileSync('/proc/self/mountinfo', 'utf8'));
  const found = id === undefined ? undefined : await engine.inspectContainer(id);
  if (id === undefined || found === undefined) return undefined;
  const mounts = found.Mounts ?? [];
  return {
    id,
    hostPaths: Object.fromEntries(mounts.map(({ Destination, Source }) => [Destination, Source])),
  };
}

/** An engine mounts a file of its own for each container over /etc/hostname; its path has the container's id in it. */
export function ownContainerId(mountInfo: string): string | undefined {
  for (const line of mountInfo.split('\n')) {
    const [, , , root = '', mountPoint] = line.split(' ');
    const id = /\/([0-9a-f]{64})\/hostname$/.exec(root)?.[1];
    if (mountPoint === '/etc/hostname' && id !== undefined) return id;
  }
  return undefined;
}

/** Processes of others have numbers here: only the host's own table of processes has the kernel's threads in it. */
export function seesAllProcesses(): boolean {
  try {
    return readFileSync('/proc/2/comm', 'utf8').trim() === 'kthreadd';
  } catch {
    return false;
  }
}
