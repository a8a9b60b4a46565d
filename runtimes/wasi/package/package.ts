import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../../errors.ts';
import { prepareModule, type Preparation } from '../module/prepare.ts';
import { ModuleFormatError } from '../module/reader.ts';
import { replaceFile } from '../work-dir.ts';
import type { MountPoint } from './manifest.ts';
import { packageError } from './package-error.ts';
import { unzip, type Unzipped } from './unzip.ts';

/** Larger than any program we know of; it is read into memory whole. */
const MAX_MODULE_BYTES = 512 << 20;
const ZIP_MAGIC = Buffer.from('PK');

/** A module that is ready to be loaded by a runner. */
export interface Program {
  /** In the directory of the modules. */
  readonly file: string;
  /** As it came, where the runner is to see that it is valid before it trusts what was made of it. */
  readonly originalFile?: string;
  readonly sizeBytes: number;
  /** `argv[0]`, where it is not the entry point that was asked for. */
  readonly argv0?: string;
}

/** A package whose programs can be run. */
export interface WasiPackage {
  /** What is most likely to be asked for. */
  readonly main: Program;
  /** @throws RuntimeError ERR_RUNTIME_PROGRAM */
  program(entryPoint: string): Program;
  /** What the program sees of the activity; absent: all of it, as `/`. */
  readonly mountPoints?: readonly MountPoint[];
  readonly workDir?: string;
}

/** What a package is read from, and prepared for. */
export interface PackageInit extends Preparation {
  readonly packagePath: string | undefined;
  /** The prepared modules are written into this directory, which is there. */
  readonly moduleDir: string;
  /** For what is unpacked meanwhile; beside the modules, not seen by the program. */
  readonly scratchDir: string;
}

/**
 * Reads a package, which is a bare module or a zip archive with a manifest, and prepares its programs.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE saying what is wrong with it
 */
export async function preparePackage(init: PackageInit): Promise<WasiPackage> {
  const { packagePath } = init;
  if (packagePath === undefined) {
    const message =
      'The WASI runtime needs a package: a WebAssembly module, or a zip archive with a manifest.json';
    throw new RuntimeError('ERR_RUNTIME_PACKAGE', message);
  }
  const { magic, sizeBytes } = await look(packagePath);
  if (!magic.equals(ZIP_MAGIC)) {
    if (sizeBytes > MAX_MODULE_BYTES) throw tooLarge();
    const main = await prepareProgram(await readFile(packagePath), 'module', init);
    return { main, program: () => main };
  }
  await using unzipped = await unzip(packagePath, init.scratchDir, MAX_MODULE_BYTES);
  return await fromArchive(unzipped, init);
}

async function fromArchive(unzipped: Unzipped, init: PackageInit): Promise<WasiPackage> {
  const { manifest } = unzipped;
  const programs = new Map<string, Program>();
  for (const [i, { id, wasmPath }] of manifest.entryPoints.entries()) {
    const source = await readFile(unzipped.pathOf(wasmPath)).catch((cause: unknown) => {
      throw packageError(`it has no file ${wasmPath}, which its entry point ${id} names`, cause);
    });
    programs.set(id, { ...(await prepareProgram(source, `module-${i}`, init)), argv0: wasmPath });
  }
  const [main] = programs.values();
  if (main === undefined) throw packageError('it has no entry point');
  const { mountPoints, workDir } = manifest;
  return {
    main,
    program: (entryPoint) =>
      programs.get(entryPoint) ?? (entryPoint === 'main' ? main : unknownProgram(entryPoint, programs)),
    ...(mountPoints.length === 0 ? {} : { mountPoints }),
    ...(workDir === undefined ? {} : { workDir }),
  };
}

async function prepareProgram(source: Uint8Array, name: string, init: PackageInit): Promise<Program> {
  const prepared = prepare(source, init);
  const file = `${name}.wasm`;
  await replaceFile(path.join(init.moduleDir, file), prepared);
  if (init.meterFuel !== true) return { file, sizeBytes: prepared.length };
  const originalFile = `${name}.original.wasm`;
  await replaceFile(path.join(init.moduleDir, originalFile), source);
  return { file, originalFile, sizeBytes: prepared.length };
}

function prepare(source: Uint8Array, preparation: Preparation): Uint8Array {
  try {
    return prepareModule(source, preparation);
  } catch (error) {
    throw error instanceof ModuleFormatError ? packageError(error.message, error) : error;
  }
}

async function look(packagePath: string): Promise<{ magic: Buffer; sizeBytes: number }> {
  try {
    await using file = await open(packagePath);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ZIP_MAGIC.length));
    return { magic: buffer.subarray(0, bytesRead), sizeBytes: (await stat(packagePath)).size };
  } catch (cause) {
    const message = `The package ${packagePath} cannot be read`;
    throw new RuntimeError('ERR_RUNTIME_PACKAGE', message, { packagePath }, { cause });
  }
}

function tooLarge(): RuntimeError {
  const message = `The package is larger than ${MAX_MODULE_BYTES} bytes`;
  return new RuntimeError('ERR_RUNTIME_PACKAGE', message, { limitBytes: MAX_MODULE_BYTES });
}

function unknownProgram(entryPoint: string, programs: ReadonlyMap<string, unknown>): never {
  const known = [...programs.keys()].slice(0, 16);
  const message = `The package has no entry point ${JSON.stringify(entryPoint.slice(0, 256))}; it has ${known.join(', ')}`;
  throw new RuntimeError('ERR_RUNTIME_PROGRAM', message, { entryPoint: entryPoint.slice(0, 256), known });
}
