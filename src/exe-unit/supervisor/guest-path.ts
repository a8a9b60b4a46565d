import type { GuestView } from '../../interface/exe-unit-runtime.ts';
import { namesBeneath } from '../../util/safe-tree.ts';
import { ExeUnitError } from '../errors.ts';

/**
 * Where in the volume that lies which the guest knows by this path; relative ones begin in its working directory. A
 * `/` at the end stays.
 * @throws SafePathError ERR_PATH_INVALID, ExeUnitError ERR_EXE_UNIT_NO_VOLUME
 */
export function volumePath(path: string, { workingDirectory, directories }: GuestView): string {
  const names = namesBeneath(path.startsWith('/') ? path : `${workingDirectory}/${path}`);
  const around = directories
    .map((directory) => ({ ...directory, guestNames: namesBeneath(directory.guestPath) }))
    .filter(({ guestNames }) => guestNames.every((name, index) => names[index] === name))
    .toSorted((a, b) => b.guestNames.length - a.guestNames.length)[0];
  if (around === undefined) throw noVolume(path, directories);
  const inVolume = [...namesBeneath(around.volumePath), ...names.slice(around.guestNames.length)];
  // `.`: the root itself is no name of a file.
  const found = `/${inVolume.length === 0 ? '.' : inVolume.join('/')}`;
  return path.endsWith('/') ? `${found}/` : found;
}

function noVolume(path: string, directories: GuestView['directories']): ExeUnitError {
  const shown = path.slice(0, 200);
  const volumes = directories.map(({ guestPath }) => guestPath).toSorted();
  const message = `${JSON.stringify(shown)} is within no volume, where no transfer reaches: name a path in ${volumes.join(', ')} (a program can copy files there), or deploy with a volume for it`;
  return new ExeUnitError('ERR_EXE_UNIT_NO_VOLUME', message, { path: shown, volumes });
}
