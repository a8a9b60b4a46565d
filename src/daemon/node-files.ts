import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppKeys } from '../identity/index.ts';
import { readIfThere } from '../util/files.ts';
import { writePrivateFile } from './private-file.ts';

/** What a local CLI needs to find the daemon and to be let in; both files are readable by their owner only. */
export interface NodeFiles {
  /** Makes the local admin's app-key when there is none that still works. */
  ensureAppKey(): Promise<void>;
  announceApi(url: string): Promise<void>;
  withdrawApi(): Promise<void>;
}

/** The files in the data directory by which the CLI finds and enters a running daemon. */
export function nodeFiles(dataDir: string, components: { appKeys: AppKeys; pid: number }): NodeFiles {
  const { appKeys, pid } = components;
  const keyPath = join(dataDir, 'app-key');
  const apiPath = join(dataDir, 'api.json');
  return {
    async ensureAppKey() {
      const known = (await readIfThere(keyPath))?.trim();
      if (known !== undefined && (await appKeys.authenticate(known)) !== undefined) return;
      const { key } = await appKeys.create({ name: 'local admin', scopes: ['admin'] });
      await writePrivateFile(keyPath, `${key}\n`);
    },
    announceApi: (url) => writePrivateFile(apiPath, `${JSON.stringify({ url, pid })}\n`),
    withdrawApi: () => rm(apiPath, { force: true }),
  };
}
