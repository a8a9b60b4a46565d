import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localDirectories } from '../../../src/cli/local-directories.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

test('directories of this machine are shown to a program only when they are there', async () => {
  writeFileSync(join(folder(), 'file'), '');
  expect(await localDirectories([`${folder()}::/work:ro`])).toEqual([
    { hostPath: folder(), guestPath: '/work', readOnly: true },
  ]);
  for (const missing of [join(folder(), 'none'), join(folder(), 'file')]) {
    await expect(localDirectories([folder(), `${missing}::/`])).rejects.toMatchObject({
      code: 'ERR_CLI_FILE',
      message: `${missing} is no directory of this machine`,
    });
  }
});
