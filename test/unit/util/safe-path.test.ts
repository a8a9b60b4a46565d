import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileBeneath, openFileBeneath, splitPath } from '../../../src/util/safe-path.ts';

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ergon-safe-'));
  root = join(base, 'root');
  mkdirSync(root);
  writeFileSync(join(base, 'secret'), 'secret');
});
afterEach(() => rmSync(base, { recursive: true }));

async function read(path: string): Promise<string> {
  const handle = await openFileBeneath(root, path);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function write(path: string, text: string): Promise<void> {
  const handle = await createFileBeneath(root, path);
  await handle.writeFile(text);
  await handle.close();
}

describe('paths inside a stranger’s directory', () => {
  it('writes and reads plain files, making directories, replacing files', async () => {
    await write('/a/b/c.txt', 'one');
    await write('a//b/./c.txt', 'two');
    expect(await read('/a/b/c.txt')).toBe('two');
  });

  it.each([
    ['/../secret', 'ERR_PATH_INVALID'],
    ['/a/../../secret', 'ERR_PATH_INVALID'],
    ['/', 'ERR_PATH_INVALID'],
    ['', 'ERR_PATH_INVALID'],
    ['/nul\0', 'ERR_PATH_INVALID'],
    [`/${'x'.repeat(256)}`, 'ERR_PATH_INVALID'],
    ['/missing', 'ERR_PATH_NOT_FOUND'],
    ['/missing/x', 'ERR_PATH_NOT_FOUND'],
    ['/link', 'ERR_PATH_SYMLINK'],
    ['/up/secret', 'ERR_PATH_SYMLINK'],
    ['/dangling', 'ERR_PATH_SYMLINK'],
    ['/dir', 'ERR_PATH_NOT_A_FILE'],
    ['/pipe', 'ERR_PATH_NOT_A_FILE'],
    ['/file/x', 'ERR_PATH_NOT_A_DIRECTORY'],
  ])('refuses to read %s: %s', async (path, code) => {
    plant();
    await expect(openFileBeneath(root, path)).rejects.toMatchObject({ code });
  });

  it.each([
    ['/../new', 'ERR_PATH_INVALID'],
    ['/link', 'ERR_PATH_SYMLINK'],
    ['/up/new', 'ERR_PATH_SYMLINK'],
    ['/dangling', 'ERR_PATH_SYMLINK'],
    ['/dir', 'ERR_PATH_NOT_A_FILE'],
    ['/pipe', 'ERR_PATH_NOT_A_FILE'],
    ['/file/x', 'ERR_PATH_NOT_A_DIRECTORY'],
  ])('refuses to write %s: %s', async (path, code) => {
    plant();
    await expect(createFileBeneath(root, path)).rejects.toMatchObject({ code });
    expect(readFileSync(join(base, 'secret'), 'utf8')).toBe('secret');
    expect(() => statSync(join(base, 'new'))).toThrow();
  });

  function plant(): void {
    mkdirSync(join(root, 'dir'));
    writeFileSync(join(root, 'file'), '');
    symlinkSync('../secret', join(root, 'link'));
    symlinkSync('..', join(root, 'up'));
    symlinkSync('../new', join(root, 'dangling'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
  }

  it('splits any string into harmless names or refuses it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom('..', '.', '', 'a', 'ö', '\0')).map((p) => p.join('/')),
        ),
        (path) => {
          let names: string[];
          try {
            names = splitPath(path);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_PATH_INVALID' });
            return;
          }
          for (const name of names) expect(['', '.', '..'].includes(name) || /[/\0]/.test(name)).toBe(false);
        },
      ),
    );
  });
});
