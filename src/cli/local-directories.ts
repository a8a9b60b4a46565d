import { stat } from 'node:fs/promises';
import { CliError } from './errors.ts';
import { parseDirectory } from './parse.ts';

type LocalDirectory = ReturnType<typeof parseDirectory>;

/** What `--dir` names, each a directory that is there: a sandbox could only say that it does not start. */
export async function localDirectories(texts: readonly string[]): Promise<LocalDirectory[]> {
  const directories = texts.map(parseDirectory);
  for (const { hostPath } of directories) {
    const found = await stat(hostPath).catch(() => undefined);
    if (found?.isDirectory() === true) continue;
    const message = `${hostPath} is no directory of this machine`;
    throw new CliError('ERR_CLI_FILE', message, { path: hostPath });
  }
  return directories;
}
