import { matchesGlob } from '../../util/glob.ts';

/** Which files of a tree are meant: those that one of the sets includes and does not exclude. */
export interface Selection {
  /** The children of the root have depth 1. */
  readonly maxDepth?: number;
  /** Without any, all files. */
  readonly sets?: readonly FileSet[];
}

/** Files by patterns of their paths. */
export interface FileSet {
  /** Globs of paths from the root; without any, all. */
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
}

/** Directories are selected for their own sake only where all files are. */
export function isSelected(
  names: readonly string[],
  kind: 'file' | 'directory',
  selection: Selection,
): boolean {
  const { maxDepth = Infinity, sets } = selection;
  if (names.length > maxDepth) return false;
  if (sets === undefined || sets.length === 0) return true;
  if (kind === 'directory') return false;
  const path = names.join('/');
  const matchesAny = (globs: readonly string[]): boolean => globs.some((glob) => matchesGlob(glob, path));
  return sets.some(
    ({ includes, excludes }) => (includes.length === 0 || matchesAny(includes)) && !matchesAny(excludes),
  );
}
