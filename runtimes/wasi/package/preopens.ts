import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Preopen } from '../host/host.ts';
import type { MountPoint } from './manifest.ts';
import type { WasiPackage } from './package.ts';

type Mounts = Pick<WasiPackage, 'mountPoints' | 'workDir'>;

/** Makes the directories that a package mounts, so that they are there for transfers and for the program. */
export async function makeMountPoints({ mountPoints = [], workDir }: Mounts, volumes: string): Promise<void> {
  const paths = [
    ...mountPoints.map(({ guestPath }) => guestPath),
    ...(workDir === undefined ? [] : [workDir]),
  ];
  // Only what the activity starts with is there: nobody can have put a link in the way yet.
  for (const guestPath of paths) await mkdir(path.join(volumes, guestPath), { recursive: true });
}

/**
 * What the program sees, by names of the host or of the sandbox. A bare module has all of the activity as `/`; so has a
 * package that mounts nothing. The working directory is `.`, which is where wasi-libc begins with relative paths.
 */
export function preopensOf({ mountPoints, workDir }: Mounts, volumes: string): Preopen[] {
  const mounts = mountPoints ?? [{ guestPath: '/', readOnly: false }];
  const all: Preopen[] = mounts.map((mount) => ({ ...mount, hostPath: volumes, beneath: mount.guestPath }));
  if (workDir === undefined) return all;
  const readOnly = isReadOnly(workDir, mounts);
  return [...all, { hostPath: volumes, beneath: workDir, guestPath: '.', readOnly }];
}

/** As the mount that it lies in. */
function isReadOnly(workDir: string, mounts: readonly MountPoint[]): boolean {
  const around = mounts.filter(({ guestPath }) => `${workDir}/`.startsWith(`${guestPath}/`));
  const [innermost] = around.toSorted((a, b) => b.guestPath.length - a.guestPath.length);
  return innermost?.readOnly ?? false;
}
