import { createFileBeneath } from '../../util/safe-path.ts';
import { makeDirectoryBeneath } from '../../util/safe-tree.ts';
import { damaged } from './errors.ts';
import { SeenNames, type ArchiveEntry } from './entry.ts';
import { detectFormat, expectFormat, type ArchiveFormat } from './format.ts';
import { Quantities, type ArchiveLimits } from './limits.ts';
import { readTar } from './read-tar.ts';
import { readZip } from './read-zip.ts';
import { isSelected, type Selection } from './selection.ts';

/** What is unpacked, and where to. */
export interface ExtractOptions {
  /** A file that nobody else writes to: it is read twice. */
  readonly archive: string;
  /** Found out by the first bytes when it is not given. */
  readonly format?: ArchiveFormat;
  readonly root: string;
  /** Directory below `root`; made when it is not there. */
  readonly path: string;
  readonly selection: Selection;
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
  /** Bytes written so far, of how many. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Writes an archive's files below a directory. The whole archive is read and checked first, so that one which is
 * refused has written nothing. Bits like setuid, owners and times are not taken over.
 * @throws ArchiveError, SafePathError
 */
export async function extractArchive(options: ExtractOptions): Promise<{ files: number; sizeBytes: number }> {
  const format = options.format ?? (await detectFormat(options.archive));
  await expectFormat(options.archive, format);
  const checked = await check(options, format);
  await makeDirectoryBeneath(options.root, options.path);
  let doneBytes = 0;
  for await (const entry of entriesOf(options, format)) {
    if (!isChosen(entry, options.selection)) await skip(entry);
    else {
      await write(entry, options, (bytes) => {
        doneBytes += bytes;
        options.onProgress?.(doneBytes, checked.sizeBytes);
      });
    }
  }
  return checked;
}

async function check(
  options: ExtractOptions,
  format: ArchiveFormat,
): Promise<{ files: number; sizeBytes: number }> {
  const quantities = new Quantities(options.limits);
  const seen = new SeenNames();
  let files = 0;
  let sizeBytes = 0;
  for await (const entry of entriesOf(options, format)) {
    seen.add(entry);
    quantities.entry(entry.names.length);
    if (isChosen(entry, options.selection)) {
      quantities.take(entry.sizeBytes);
      files += entry.kind === 'file' ? 1 : 0;
      sizeBytes += entry.sizeBytes;
    }
    await skip(entry);
  }
  return { files, sizeBytes };
}

function entriesOf(
  { archive, limits, signal }: ExtractOptions,
  format: ArchiveFormat,
): AsyncGenerator<ArchiveEntry> {
  const quantities = new Quantities(limits);
  return format === 'zip'
    ? readZip(archive, quantities, signal)
    : readTar(archive, format === 'tar.gz', quantities, signal);
}

const isChosen = ({ names, kind }: ArchiveEntry, selection: Selection): boolean =>
  names.length > 0 && isSelected(names, kind, selection);

/** To its end, so that its checksum is checked too. */
async function skip(entry: ArchiveEntry): Promise<void> {
  let bytes = 0;
  for await (const chunk of entry.bytes) bytes += chunk.byteLength;
  if (bytes !== entry.sizeBytes) throw damaged(`${bytes} of ${entry.sizeBytes} bytes of an entry are there`);
}

async function write(
  entry: ArchiveEntry,
  { root, path, signal }: ExtractOptions,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const target = `${path}/${entry.names.join('/')}`;
  if (entry.kind === 'directory') {
    await makeDirectoryBeneath(root, target);
    await skip(entry);
    return;
  }
  await using file = await createFileBeneath(root, target, entry.executable ? 0o755 : 0o644);
  for await (const chunk of entry.bytes) {
    signal.throwIfAborted();
    await file.writeFile(chunk);
    onWritten(chunk.byteLength);
  }
}
