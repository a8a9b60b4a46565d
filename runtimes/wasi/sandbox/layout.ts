import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the runner's code lies on this machine: all of it that a sandbox must show. */
export interface CodeLayout {
  readonly packageJson: string;
  /** `runtimes/wasi`, of the sources or of the compiled tree. */
  readonly runtimeDir: string;
  /** Of the runner's entry point, below `runtimeDir`. */
  readonly entry: string;
  readonly wasmerDir: string;
  readonly node: string;
}

/** Where the code of the runner is on this machine: what a sandbox has to show it. */
export function findCode(): CodeLayout {
  const here = fileURLToPath(import.meta.url);
  const runtimeDir = path.resolve(path.dirname(here), '..');
  const wasmer = createRequire(import.meta.url).resolve('@wasmer/wasi/package.json');
  return {
    packageJson: nearestPackageJson(runtimeDir),
    runtimeDir,
    // The runner runs as this file does: from TypeScript sources or compiled.
    entry: `runner/main${path.extname(here)}`,
    wasmerDir: path.dirname(wasmer),
    node: fs.realpathSync(process.execPath),
  };
}

function nearestPackageJson(directory: string): string {
  const candidate = path.join(directory, 'package.json');
  const parent = path.dirname(directory);
  if (fs.existsSync(candidate) || parent === directory) return candidate;
  return nearestPackageJson(parent);
}
