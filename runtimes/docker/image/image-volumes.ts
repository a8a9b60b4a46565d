import path from 'node:path';
import { RuntimeError } from '../../errors.ts';

const MAX_VOLUMES = 16;
/** Nothing may be mounted over these. */
const CLOSED = ['/proc', '/sys', '/dev', '/.ergon', '/volume', '/golem'];

/**
 * Directories that an image declares as volumes. The engine would make a volume without any limit for each, so ours
 * is mounted there instead. Those below /golem are ours already.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE
 */
export function imageVolumes(declared: readonly string[]): string[] {
  if (declared.length > MAX_VOLUMES)
    throw refused(`declares ${declared.length} volumes, ${MAX_VOLUMES} are allowed`);
  const plain = declared.map((volume) => path.posix.normalize(`/${volume}`).replace(/(?<=.)\/$/, ''));
  for (const volume of plain) {
    const isClosed = volume === '/' || CLOSED.some((place) => isWithin(volume, place));
    if (isClosed) throw refused(`declares a volume at ${volume.slice(0, 200)}`);
  }
  return [...new Set(plain)];
}

function isWithin(file: string, directory: string): boolean {
  return file === directory || file.startsWith(`${directory}/`);
}

function refused(why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_PACKAGE', `The image cannot be run here: it ${why}`);
}
