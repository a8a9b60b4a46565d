import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeImage, mountArguments } from './filesystem-volume.ts';

const run = promisify(execFile);

/** Why no file system can be made for a volume here; undefined when it works: found by making one. */
export async function whyNoFilesystem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can mount one';
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'ergon-volume-'));
  const directory = path.join(scratch, 'mounted');
  const image = path.join(scratch, 'image');
  try {
    await mkdir(directory);
    await makeImage(image, 1 << 20, { uid: 1000, gid: 1000 });
    // Among mounts of its own, which go with it: whoever is killed meanwhile leaves none behind.
    await run('unshare', ['--mount', 'mount', ...mountArguments(image, directory)]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim().slice(0, 300) : String(error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
