import { readFile, stat } from 'node:fs/promises';
import { RuntimeError } from '../errors.ts';
import { prepareModule } from './module/prepare.ts';
import { ModuleFormatError } from './module/reader.ts';

/** Larger than any program we know of; it is read into memory whole. */
const MAX_MODULE_BYTES = 512 << 20;

/**
 * Reads a package, which is a bare module, and prepares it for a guest with this much memory.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE saying what is wrong with it
 */
export async function preparePackage(
  packagePath: string | undefined,
  memoryBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (packagePath === undefined) {
    throw new RuntimeError('ERR_RUNTIME_PACKAGE', 'The WASI runtime needs a package: a WebAssembly module');
  }
  const source = await readPackage(packagePath);
  try {
    return prepareModule(source, memoryBytes);
  } catch (error) {
    if (!(error instanceof ModuleFormatError)) throw error;
    throw new RuntimeError(
      'ERR_RUNTIME_PACKAGE',
      `The package cannot be run: ${error.message}`,
      {},
      { cause: error },
    );
  }
}

async function readPackage(packagePath: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(packagePath);
    if (size <= MAX_MODULE_BYTES) return await readFile(packagePath);
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_PACKAGE',
      `The package ${packagePath} cannot be read`,
      { packagePath },
      { cause },
    );
  }
  const message = `The package is larger than ${MAX_MODULE_BYTES} bytes`;
  throw new RuntimeError('ERR_RUNTIME_PACKAGE', message, { limitBytes: MAX_MODULE_BYTES });
}
