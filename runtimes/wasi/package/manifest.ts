import { Type, type Static } from 'typebox';
import { checker } from '../../../src/util/check.ts';
import { packageError } from './package-error.ts';

/*
 * `manifest.json` of a package as Yagna's WASI runtime has it:
 * https://github.com/golemfactory/ya-runtime-wasi/blob/master/src/manifest.rs. Members that are not known are left out.
 */

export const MANIFEST_FILE = 'manifest.json';
export const MAX_MANIFEST_BYTES = 1 << 20;

const Name = Type.String({ minLength: 1, maxLength: 256 });
const PathText = Type.String({ minLength: 1, maxLength: 1024 });
const EntryPoint = Type.Object({ id: Name, 'wasm-path': PathText });
/** One member: its name is the kind, its value the path. */
const Mount = Type.Record(Type.String({ pattern: '^(ro|rw|wo|private)$' }), PathText, {
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
});

const ManifestSchema = Type.Object({
  id: Name,
  name: Name,
  main: Type.Optional(Type.Union([EntryPoint, Name])),
  'entry-points': Type.Optional(Type.Array(EntryPoint, { maxItems: 64 })),
  'mount-points': Type.Optional(Type.Array(Mount, { maxItems: 64 })),
  'work-dir': Type.Optional(PathText),
});
const checkManifest: (value: unknown) => Static<typeof ManifestSchema> = checker(
  ManifestSchema,
  MANIFEST_FILE,
);

/** A program of a package. */
export interface EntryPoint {
  readonly id: string;
  /** Of the module in the archive, names without `.` and `..`. */
  readonly wasmPath: string;
}
/** A directory of the activity that the program sees. */
export interface MountPoint {
  /** Absolute, in the activity as in the program. */
  readonly guestPath: string;
  readonly readOnly: boolean;
}
/** What a package says of itself, checked. */
export interface Manifest {
  readonly name: string;
  /** At least one; the first is the one that is meant when `main` is asked for. */
  readonly entryPoints: readonly EntryPoint[];
  readonly mountPoints: readonly MountPoint[];
  /** Where relative paths begin. */
  readonly workDir?: string;
}

/** @throws RuntimeError ERR_RUNTIME_PACKAGE */
export function parseManifest(text: string): Manifest {
  let manifest: Static<typeof ManifestSchema>;
  try {
    manifest = checkManifest(JSON.parse(text));
  } catch (cause) {
    throw packageError(cause instanceof Error ? cause.message : `its ${MANIFEST_FILE} is wrong`, cause);
  }
  const workDir = manifest['work-dir'];
  return {
    name: manifest.name,
    entryPoints: entryPointsOf(manifest),
    mountPoints: mountPointsOf(manifest),
    ...(workDir === undefined ? {} : { workDir: absolute(workDir) }),
  };
}

function entryPointsOf({ main, 'entry-points': listed = [] }: Static<typeof ManifestSchema>): EntryPoint[] {
  const points = listed.map((point) => ({ id: point.id, wasmPath: names(point['wasm-path']).join('/') }));
  const mainId = typeof main === 'object' ? main.id : main;
  if (typeof main === 'object') points.unshift({ id: main.id, wasmPath: names(main['wasm-path']).join('/') });
  const first = mainId === undefined ? points[0] : points.find(({ id }) => id === mainId);
  if (first === undefined) throw packageError(`its ${MANIFEST_FILE} names no entry point to run`);
  const rest = points.filter((point) => point !== first);
  const twice = rest.find(({ id }, i) => rest.findIndex((other) => other.id === id) !== i || id === first.id);
  if (twice !== undefined && (twice.id !== first.id || twice.wasmPath !== first.wasmPath))
    throw packageError(`its ${MANIFEST_FILE} has more than one entry point ${twice.id}`);
  return [first, ...rest.filter(({ id }) => id !== first.id)];
}

function mountPointsOf({ 'mount-points': points = [] }: Static<typeof ManifestSchema>): MountPoint[] {
  const mounts = points.flatMap((point) =>
    Object.entries(point).map(([kind, path]) => ({ guestPath: absolute(path), readOnly: kind === 'ro' })),
  );
  const twice = mounts.find(({ guestPath }, i) => mounts.findIndex((m) => m.guestPath === guestPath) !== i);
  if (twice !== undefined)
    throw packageError(`its ${MANIFEST_FILE} mounts ${twice.guestPath} more than once`);
  return mounts;
}

const absolute = (path: string): string => `/${names(path).join('/')}`;

function names(path: string): string[] {
  const parts = path.replace(/^\//, '').replace(/\/$/, '').split('/');
  const isName = (part: string): boolean =>
    part !== '' && part !== '.' && part !== '..' && part.length <= 255 && !/[\0-\x1f\\]/.test(part);
  if (parts.every(isName)) return parts;
  throw packageError(`its ${MANIFEST_FILE} has the path ${JSON.stringify(path)}, which leads nowhere`);
}
