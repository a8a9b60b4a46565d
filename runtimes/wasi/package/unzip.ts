import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isErgonError } from '../../../src/interface/errors.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES, parseManifest, type Manifest } from './manifest.ts';
import { packageError } from './package-error.ts';

const MAX_ENTRIES = 10_000;
const EXTRACT_TIMEOUT_MS = 120_000;

/** An unpacked package; disposing of it removes its files. */
export interface Unzipped extends AsyncDisposable {
  readonly manifest: Manifest;
  /** Where a module of the package lies, for as long as this is not disposed of. */
  pathOf(wasmPath: string): string;
}

/**
 * Unpacks a package into `directory`, which is made for it and removed in the end. The program never sees it.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE
 */
export async function unzip(archive: string, directory: string, maxBytes: number): Promise<Unzipped> {
  // Most packages are bare modules, and a supervisor that runs one needs none of this.
  const { ARCHIVE_LIMITS, extractArchive } = await import('../../../src/transfer/archive/index.ts');
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  await remove();
  await mkdir(directory, { recursive: true });
  try {
    await extractArchive({
      archive,
      format: 'zip',
      root: directory,
      path: 'files',
      selection: {},
      limits: { ...ARCHIVE_LIMITS, maxBytes, maxEntries: MAX_ENTRIES },
      signal: AbortSignal.timeout(EXTRACT_TIMEOUT_MS),
    });
    const files = path.join(directory, 'files');
    const manifest = parseManifest(await readManifest(path.join(files, MANIFEST_FILE)));
    return {
      manifest,
      pathOf: (wasmPath) => path.join(files, wasmPath),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    if (!isErgonError(error) || error.code === 'ERR_RUNTIME_PACKAGE') throw error;
    throw packageError(`its archive is refused (${error.code}): ${error.message}`, error);
  }
}

async function readManifest(file: string): Promise<string> {
  const size = await stat(file).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) throw packageError(`it is a zip archive without ${MANIFEST_FILE} at its root`);
  if (size > MAX_MANIFEST_BYTES)
    throw packageError(`its ${MANIFEST_FILE} is larger than ${MAX_MANIFEST_BYTES} bytes`);
  return readFile(file, 'utf8');
}
