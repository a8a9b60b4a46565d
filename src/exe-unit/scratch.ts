import type { Logger } from '../interface/logger.ts';
import { removeTree } from './files.ts';
import type { WorkPaths } from './paths.ts';

/** What no one will read any more of an ended activity; journal, logs and outputs stay until it is disposed of. */
export async function removeScratch({ volumes, runtime, inputs }: WorkPaths, logger: Logger): Promise<void> {
  for (const path of [volumes, runtime, inputs]) {
    await removeTree(path).catch((error: unknown) =>
      logger.warn({ path, error: String(error) }, 'cannot remove'),
    );
  }
}
