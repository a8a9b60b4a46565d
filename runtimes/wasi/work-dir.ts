import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SandboxView } from './sandbox/sandbox.ts';

/** The parts of an activity's directory that are the runtime's. */
export interface WorkDir {
  /** The guest's `/`. */
  readonly volumes: string;
  /** The prepared modules, alone: the sandbox sees this directory. */
  readonly moduleDir: string;
  /** What a package is unpacked into for as long as it is read. */
  readonly scratchDir: string;
  /** Which process runs, for whoever comes after a crash. */
  readonly processFile: string;
}

/** Where these parts are in an activity's directory; makes nothing. */
export function workDirOf(directory: string): WorkDir {
  const runtime = path.join(directory, 'runtime');
  return {
    volumes: path.join(directory, 'volumes'),
    moduleDir: path.join(runtime, 'module'),
    scratchDir: path.join(runtime, 'package'),
    processFile: path.join(runtime, 'process.json'),
  };
}

/** What a runner of the activity sees. */
export function viewOf({ volumes, moduleDir }: WorkDir): SandboxView {
  return { moduleDir, directories: [{ hostPath: volumes, readOnly: false }] };
}

/** Makes the volume and the directory of the modules; those that are there are kept. */
export async function makeWorkDir(directory: string): Promise<WorkDir> {
  const made = workDirOf(directory);
  await mkdir(made.volumes, { recursive: true });
  await mkdir(made.moduleDir, { recursive: true });
  return made;
}

/** Names a directory whatever its path is by now: a warm one is renamed before its activity. */
export async function identityOf(directory: string): Promise<string> {
  const { dev, ino } = await stat(directory, { bigint: true });
  return `${dev}:${ino}`;
}

/** A reader finds the old contents or the new ones. */
export async function replaceFile(file: string, contents: string | Uint8Array): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, contents);
  await rename(temporary, file);
}
