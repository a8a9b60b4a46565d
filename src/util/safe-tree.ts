import { constants, type Stats } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { at, O_PATH, openAt, SafePathError, withDirectory } from './safe-path.ts';

export type NodeKind = 'file' | 'directory' | 'symlink' | 'other';

/** Something below a root, as a walk finds it. */
export interface TreeNode {
  /** The components of its path, from where the walk began. */
  readonly names: readonly string[];
  readonly kind: NodeKind;
  readonly sizeBytes: number;
  readonly executable: boolean;
  /** Opens this very file for reading, whatever its path leads to by now. Only while the walk stands at this node. */
  open(): Promise<FileHandle>;
}

/** The components of a guest path; none for the root itself. */
export function namesBeneath(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) {
    throw new SafePathError('ERR_PATH_INVALID', `${JSON.stringify(path.slice(0, 200))} has a \`..\` in it`, {
      path,
    });
  }
  return names;
}

/** What stands at the path, following no link; undefined when nothing does. */
export async function kindBeneath(root: string, path: string): Promise<NodeKind | undefined> {
  const names = namesBeneath(path);
  const name = names.pop();
  if (name === undefined) return 'directory';
  try {
    return await withDirectory(root, names, path, false, async (directory) => {
      await using found = await openAt(directory, name, O_PATH | constants.O_NOFOLLOW, path);
      return kindOf(await found.stat());
    });
  } catch (error) {
    if (error instanceof SafePathError && error.code === 'ERR_PATH_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Makes a directory below `root`, with those that lead to it, following no link. One that is there stays as it is. */
export async function makeDirectoryBeneath(root: string, path: string): Promise<void> {
  await withDirectory(root, namesBeneath(path), path, true, () => Promise.resolve());
}

/** How far a walk goes. */
export interface WalkOptions {
  /** Directories deeper than this are not entered; the children of the start have depth 1. */
  readonly maxDepth: number;
  /** Asked before a directory is entered. Default: all are. */
  readonly enters?: (names: readonly string[]) => boolean;
}

/**
 * All that is below a directory, each directory before what it holds, in the order of the names' bytes. No link is
 * followed, and a directory that is exchanged for a link meanwhile leads nowhere else: each is held by its descriptor.
 */
export async function* walkBeneath(
  root: string,
  path: string,
  options: WalkOptions,
): AsyncGenerator<TreeNode> {
  // The generator outlives the callback of `withDirectory`, so it takes a descriptor of its own.
  await using start = await withDirectory(root, namesBeneath(path), path, false, (directory) =>
    open(at(directory), O_PATH | constants.O_DIRECTORY),
  );
  yield* walk(start, [], path, options);
}

async function* walk(
  directory: FileHandle,
  above: readonly string[],
  path: string,
  options: WalkOptions,
): AsyncGenerator<TreeNode> {
  const children = (await readdir(at(directory), { encoding: 'buffer' })).sort((a, b) => a.compare(b));
  for (const child of children) {
    const name = nameOf(child, path);
    await using found = await openAt(directory, name, O_PATH | constants.O_NOFOLLOW, path);
    const stat = await found.stat();
    const names = [...above, name];
    const kind = kindOf(stat);
    yield {
      names,
      kind,
      sizeBytes: kind === 'file' ? stat.size : 0,
      executable: (stat.mode & 0o100) !== 0,
      open: () => open(at(found), constants.O_RDONLY),
    };
    if (kind === 'directory' && names.length < options.maxDepth && (options.enters?.(names) ?? true)) {
      yield* walk(found, names, path, options);
    }
  }
}

/** A name that is no UTF-8 could not be written down again as what it is. */
function nameOf(bytes: Buffer, path: string): string {
  const name = bytes.toString('utf8');
  if (Buffer.from(name).equals(bytes)) return name;
  throw new SafePathError('ERR_PATH_INVALID', `Below ${path} is a name that is not UTF-8: ${name}`, { path });
}

function kindOf(stat: Stats): NodeKind {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}
