import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { GuestView } from '../../../src/interface/exe-unit-runtime.ts';
import { namesBeneath } from '../../../src/util/safe-tree.ts';
import type { Preopen } from '../host/host.ts';
import type { MountPoint } from './manifest.ts';
import type { WasiPackage } from './package.ts';

type Mounts = Pick<WasiPackage, 'mountPoints' | 'workDir'>;

/** What a package that says nothing of it mounts: all of the activity. */
const ROOT: MountPoint = { guestPath: '/', readOnly: false };
/** There from the start where all of the activity is mounted: many a program looks for no other place. */
export const TMP: MountPoint = { guestPath: '/tmp', readOnly: false };

/**
 * With the directories that a deployment asks for mounted too, where the package does not show all that there is.
 * @throws SafePathError ERR_PATH_INVALID
 */
export function withVolumes<P extends Mounts>(mounts: P, asked: readonly string[]): P {
  const { mountPoints } = mounts;
  if (mountPoints === undefined) return mounts;
  const paths = new Set(asked.map((path) => `/${namesBeneath(path).join('/')}`));
  for (const { guestPath } of mountPoints) paths.delete(guestPath);
  const more = [...paths].map((guestPath) => ({ guestPath, readOnly: false }));
  return { ...mounts, mountPoints: [...mountPoints, ...more] };
}

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
  const mounts = mountPoints ?? [ROOT];
  const all: Preopen[] = mounts.map((mount) => ({ ...mount, hostPath: volumes, beneath: mount.guestPath }));
  if (workDir === undefined) return all;
  const readOnly = isReadOnly(workDir, mounts);
  return [...all, { hostPath: volumes, beneath: workDir, guestPath: '.', readOnly }];
}

/** The same for transfers. What a package works in it sees as `.` at least. */
export function guestViewOf({ mountPoints = [ROOT], workDir }: Mounts): GuestView {
  const paths = mountPoints.map(({ guestPath }) => guestPath);
  const all = new Set(workDir === undefined ? paths : [...paths, workDir]);
  const directories = [...all].map((path) => ({ guestPath: path, volumePath: path }));
  return { workingDirectory: workDir ?? '/', directories };
}

/** As the mount that it lies in. */
function isReadOnly(workDir: string, mounts: readonly MountPoint[]): boolean {
  const around = mounts.filter(({ guestPath }) => `${workDir}/`.startsWith(`${guestPath}/`));
  const [innermost] = around.toSorted((a, b) => b.guestPath.length - a.guestPath.length);
  return innermost?.readOnly ?? false;
}
