import path from 'node:path';
import { RuntimeError } from '../../errors.ts';

const MAX_VOLUMES = 16;
/** Nothing may be mounted over these. */
const CLOSED = ['/proc', '/sys', '/dev', '/.ergon', '/volume'];

/**
 * Directories that an image declares as volumes. The engine would make a volume without any limit for each, so ours
 * is mounted there instead.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE
 */
export function imageVolumes(declared: readonly string[]): string[] {
  return volumePaths(declared, (why) => {
    throw new RuntimeError('ERR_RUNTIME_PACKAGE', `The image cannot be run here: it declares ${why}`);
  });
}

/** Directories that a deployment asks for. @throws RuntimeError ERR_RUNTIME_VOLUME */
export function deployVolumes(asked: readonly string[]): string[] {
  return volumePaths(asked, (why) => {
    throw new RuntimeError('ERR_RUNTIME_VOLUME', `The deployment asks for ${why}`);
  });
}

function volumePaths(declared: readonly string[], refuse: (why: string) => never): string[] {
  if (declared.length > MAX_VOLUMES) refuse(`${declared.length} volumes, where ${MAX_VOLUMES} are allowed`);
  const plain = declared.map((volume) => path.posix.normalize(`/${volume}`).replace(/(?<=.)\/$/, ''));
  for (const volume of plain) {
    const isClosed = volume === '/' || CLOSED.some((place) => isWithin(volume, place));
    if (isClosed) refuse(`a volume at ${volume.slice(0, 200)}, where there can be none`);
  }
  return [...new Set(plain)];
}

function isWithin(file: string, directory: string): boolean {
  return file === directory || file.startsWith(`${directory}/`);
}
