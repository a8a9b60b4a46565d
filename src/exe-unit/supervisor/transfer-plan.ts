import type { ExeCommand, TransferFileSet } from '../../interface/exe-script.ts';
import type { ArchiveFormat, FileSet, Selection } from '../../transfer/archive/index.ts';
import { ExeUnitError } from '../errors.ts';

export type TransferRequest = Extract<ExeCommand, { transfer: unknown }>['transfer'];

/** Where the bytes come from, or go to, outside of the activity. */
export type Outside =
  { readonly kind: 'blob'; readonly hash: string } | { readonly kind: 'url'; readonly url: string };
export type OutsideSink = { readonly kind: 'blob' } | { readonly kind: 'url'; readonly url: string };

export type TransferPlan = {
  /** Undefined when it is for us to find out; `raw` is one plain file. */
  readonly format: ArchiveFormat | 'raw' | undefined;
  readonly selection: Selection;
} & (
  | { readonly kind: 'in'; readonly from: Outside; readonly to: string }
  | { readonly kind: 'out'; readonly from: string; readonly to: OutsideSink }
  | { readonly kind: 'within'; readonly from: string; readonly to: string }
);

/** @throws ExeUnitError ERR_EXE_UNIT_TRANSFER_UNSUPPORTED */
export function planTransfer(request: TransferRequest): TransferPlan {
  const { from, to, format, depth, fileset = [] } = request;
  const common = {
    format,
    selection: {
      ...(depth === undefined ? {} : { maxDepth: depth }),
      ...(fileset.length === 0 ? {} : { sets: fileset.map(fileSet) }),
    },
  };
  const inside = { from: pathOf(from), to: pathOf(to) };
  if (inside.from !== undefined && inside.to !== undefined) {
    return { ...common, kind: 'within', from: inside.from, to: inside.to };
  }
  const source = outside(from);
  if (source !== undefined && inside.to !== undefined) {
    return { ...common, kind: 'in', from: source, to: inside.to };
  }
  const sink = outsideSink(to);
  if (inside.from !== undefined && sink !== undefined) {
    return { ...common, kind: 'out', from: inside.from, to: sink };
  }
  throw unsupported(`nothing is transferred from ${from.slice(0, 200)} to ${to.slice(0, 200)}`);
}

/** A plain file has no parts to choose from. @throws ExeUnitError ERR_EXE_UNIT_TRANSFER_UNSUPPORTED */
export function expectNoSelection({ maxDepth, sets }: Selection): void {
  if (maxDepth === undefined && sets === undefined) return;
  throw unsupported(
    '`depth` and `fileset` choose among the files of a directory or an archive, and this is one file',
  );
}

export function unsupported(why: string): ExeUnitError {
  return new ExeUnitError('ERR_EXE_UNIT_TRANSFER_UNSUPPORTED', why);
}

function pathOf(url: string): string | undefined {
  return url.startsWith('container:') ? url.slice('container:'.length) : undefined;
}

function outside(url: string): Outside | undefined {
  if (url.startsWith('blob:sha256:')) return { kind: 'blob', hash: url.slice('blob:'.length) };
  return /^(https?|hash):/.test(url) ? { kind: 'url', url } : undefined;
}

function outsideSink(url: string): OutsideSink | undefined {
  if (url === 'blob:') return { kind: 'blob' };
  return /^https?:/.test(url) ? { kind: 'url', url } : undefined;
}

function fileSet(set: TransferFileSet): FileSet {
  if (typeof set === 'string') return { includes: [set], excludes: [] };
  const list = (globs: string | readonly string[] | undefined): readonly string[] =>
    typeof globs === 'string' ? [globs] : (globs ?? []);
  return { includes: [...list(set.pattern), ...list(set.includes)], excludes: list(set.excludes) };
}
