import { kindBeneath, walkBeneath, type TreeNode } from '../../util/safe-tree.ts';
import { openFileBeneath, SafePathError } from '../../util/safe-path.ts';
import { badType, entryNames, SeenNames, type ArchiveEntry } from './entry.ts';
import { ArchiveError } from './errors.ts';
import { chunksOf, type ArchiveFormat } from './format.ts';
import { Quantities, type ArchiveLimits } from './limits.ts';
import { isSelected, type Selection } from './selection.ts';
import { writeTar } from './write-tar.ts';
import { writeZip } from './write-zip.ts';

/** Which files are packed. */
export interface TreeOptions {
  readonly root: string;
  /** A directory below `root`, or one file. */
  readonly path: string;
  readonly selection: Selection;
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
  /** Bytes read so far. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** Which files are packed, and how. */
export interface PackOptions extends TreeOptions {
  readonly format: ArchiveFormat;
}

/**
 * An archive of a tree. The same tree makes the same bytes: names in order, no times, no owners.
 * @throws ArchiveError, SafePathError
 */
export function packArchive(options: PackOptions): AsyncGenerator<Uint8Array> {
  const nodes = treeNodes(options);
  return options.format === 'zip' ? writeZip(nodes) : writeTar(nodes, options.format === 'tar.gz');
}

/** The chosen files of a tree, each to be read to its end before the next; a link among them is refused. */
export async function* treeNodes(options: TreeOptions): AsyncGenerator<ArchiveEntry> {
  const { root, path, limits, signal, selection } = options;
  const quantities = new Quantities(limits);
  const seen = new SeenNames();
  const progress = { doneBytes: 0 };
  if ((await kindBeneath(root, path)) !== 'directory') {
    const node = await singleFile(root, path);
    quantities.take(node.sizeBytes);
    yield packed(node, options, progress);
    return;
  }
  const maxDepth = Math.min(limits.maxDepth, selection.maxDepth ?? Infinity);
  for await (const node of walkBeneath(root, path, { maxDepth })) {
    signal.throwIfAborted();
    quantities.entry(node.names.length);
    if (isTooDeep(node, limits, selection)) quantities.entry(limits.maxDepth + 1);
    const { kind, names } = node;
    if (!isSelected(names, kind === 'directory' ? 'directory' : 'file', selection)) continue;
    if (kind !== 'file' && kind !== 'directory') {
      throw badType(names.join('/'), kind === 'symlink' ? 'a symbolic link' : 'a device, pipe or socket');
    }
    entryNames(names.join('/'));
    seen.add({ names, kind });
    quantities.take(node.sizeBytes);
    yield packed({ ...node, kind }, options, progress);
  }
}

/** A directory that the walk would not enter, although nobody asked it to stop there. */
function isTooDeep(
  { kind, names }: TreeNode,
  limits: ArchiveLimits,
  { maxDepth = Infinity }: Selection,
): boolean {
  return kind === 'directory' && names.length === limits.maxDepth && maxDepth > limits.maxDepth;
}

type PlainNode = TreeNode & { readonly kind: 'file' | 'directory' };

async function singleFile(root: string, path: string): Promise<PlainNode> {
  await using file = await openFileBeneath(root, path);
  const { size, mode } = await file.stat();
  return {
    names: [path.split('/').filter(Boolean).at(-1) ?? ''],
    kind: 'file',
    sizeBytes: size,
    executable: (mode & 0o100) !== 0,
    open: () => openFileBeneath(root, path),
  };
}

function packed(node: PlainNode, options: TreeOptions, progress: { doneBytes: number }): ArchiveEntry {
  const { names, kind, sizeBytes, executable } = node;
  return {
    names,
    kind,
    sizeBytes,
    executable,
    bytes: kind === 'file' ? bytesOf(node, options, progress) : none(),
  };
}

async function* bytesOf(
  node: PlainNode,
  { signal, onProgress }: TreeOptions,
  progress: { doneBytes: number },
): AsyncGenerator<Uint8Array> {
  await using file = await node.open();
  let left = node.sizeBytes;
  for await (const chunk of chunksOf(file)) {
    signal.throwIfAborted();
    // What was written since the walk came by is left out.
    const part = chunk.subarray(0, left);
    left -= part.byteLength;
    progress.doneBytes += part.byteLength;
    onProgress?.(progress.doneBytes);
    yield part;
    if (left === 0) return;
  }
  if (left === 0) return;
  const path = node.names.join('/').slice(0, 200);
  throw new ArchiveError('ERR_ARCHIVE_CHANGED', `${path} became shorter while it was being packed`, { path });
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The one file or directory at `path`. @throws SafePathError ERR_PATH_NOT_FOUND */
export async function expectBeneath(root: string, path: string): Promise<'file' | 'directory'> {
  const kind = await kindBeneath(root, path);
  if (kind === 'file' || kind === 'directory') return kind;
  if (kind !== undefined)
    throw badType(path, kind === 'symlink' ? 'a symbolic link' : 'a device, pipe or socket');
  throw new SafePathError('ERR_PATH_NOT_FOUND', `${JSON.stringify(path.slice(0, 200))} does not exist`, {
    path,
  });
}
