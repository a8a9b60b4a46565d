import fs from 'node:fs';
import path from 'node:path';

/** A file to show in the sandbox, at a name by which the loader asks for it. */
export interface SharedObject {
  readonly hostPath: string;
  readonly insidePath: string;
}

/** Directory links of a merged /usr, by which programs name their loader. */
const TOP_LEVEL = ['/lib', '/lib32', '/lib64', '/libx32'];
const LOADER_DIRECTORIES = ['/usr/lib64', '/usr/lib', '/lib64', '/lib'];

/**
 * The shared libraries that a node process needs, from the map of this one, under every name that a loader may look
 * for: their own, the links beside them (`libstdc++.so.6`), and the loader's place in `/lib64`.
 */
export function sharedObjects(mapsText = fs.readFileSync('/proc/self/maps', 'utf8')): SharedObject[] {
  const mapped = new Set([...mapsText.matchAll(/\s(\/\S*\.so(?:\.\S*)?)$/gm)].map((match) => match[1] ?? ''));
  return [...mapped]
    .filter((file) => fs.existsSync(file))
    .flatMap((file) =>
      [...new Set([file, ...namesBeside(file), ...loaderNames(file)])].map((insidePath) => ({
        hostPath: file,
        insidePath,
      })),
    );
}

/** `/lib64 → usr/lib64` and its like, as this machine has them. */
export function topLevelLinks(): { target: string; link: string }[] {
  return TOP_LEVEL.filter(isLink).map((link) => ({ target: fs.readlinkSync(link), link }));
}

function namesBeside(file: string): string[] {
  const directory = path.dirname(file);
  // libc-2.31.so is asked for as libc.so.6
  const stem = path.basename(file).replace(/(-[\d.]+)?\.so.*$/, '.so');
  const names = fs.readdirSync(directory).filter((name) => name.startsWith(stem));
  return names.map((name) => path.join(directory, name)).filter((name) => realPath(name) === file);
}

function loaderNames(file: string): string[] {
  const base = path.basename(file);
  if (!base.startsWith('ld-')) return [];
  return LOADER_DIRECTORIES.filter((directory) => !isLink(directory))
    .map((directory) => path.join(directory, base))
    .filter((name) => realPath(name) === file);
}

function isLink(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function realPath(file: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch {
    return undefined;
  }
}
