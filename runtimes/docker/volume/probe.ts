import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { filesystemVolume } from './filesystem-volume.ts';

/** Why no file system can be made for a volume here; undefined when it works: found by making one. */
export async function whyNoFilesystem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can mount one';
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'ergon-volume-'));
  const directory = path.join(scratch, 'mounted');
  const volume = filesystemVolume({
    directory,
    scratch,
    storageBytes: 1 << 20,
    owner: { uid: 1000, gid: 1000 },
  });
  try {
    await volume.prepare();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim().slice(0, 300) : String(error);
  } finally {
    await volume.remove().catch(() => undefined);
    await rm(scratch, { recursive: true, force: true });
  }
}
