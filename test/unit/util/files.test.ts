import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDirectory } from '../../../src/util/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

describe('making a directory', () => {
  it('makes what is missing above it, and takes what is there', async () => {
    const path = join(folder(), 'a', 'b', 'c');
    await makeDirectory(path, 0o700);
    await makeDirectory(path, 0o700);
    await makeDirectory('/');
    for (const made of [path, join(path, '..')]) expect((await stat(made)).mode & 0o777).toBe(0o700);
    await symlink(path, join(folder(), 'link'));
    await makeDirectory(join(folder(), 'link'));
  });

  it('made by several at once is there for all of them', async () => {
    const path = join(folder(), 'a', 'b');
    await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('gives up where there can be none', async () => {
    // For one who is not root it says something else.
    await expect(makeDirectory('/proc/ergon/data')).rejects.toThrow(/ENOENT|EACCES/);
    await writeFile(join(folder(), 'file'), '');
    await expect(makeDirectory(join(folder(), 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeDirectory(join(folder(), 'file', 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
