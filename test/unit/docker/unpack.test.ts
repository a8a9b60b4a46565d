import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Allowance } from '../../../runtimes/docker/contents/allowance.ts';
import { unpack, type UnpackInit } from '../../../runtimes/docker/contents/unpack.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tarOf, type TarFile } from '../../support/tar.ts';

const folder = temporaryFolder();
const DIRECTORY = '/data';
const self: TarFile = { name: './', type: '5', mode: 0o755 };
const file = (name: string, text = name, mode = 0o644): TarFile => ({
  name: `./${name}`,
  body: Buffer.from(text),
  mode,
});

/** Unpacks what the engine might say of the image's `/data`. */
async function unpacked(files: TarFile[], more: Partial<UnpackInit> & { maxFiles?: number } = {}) {
  const root = join(folder(), 'volume');
  mkdirSync(join(root, DIRECTORY), { recursive: true, mode: 0o755 });
  const allowance = new Allowance(1 << 20, { bytes: 0, files: { count: 0, limit: more.maxFiles ?? 100 } });
  const init = { root, directory: DIRECTORY, mounted: [DIRECTORY], allowance, ...more };
  const isOther = await unpack(chunksOf(tarOf(files)), init);
  return { isOther, data: join(root, DIRECTORY) };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe('what an image has at a volume', () => {
  it('comes with its permissions, links and names, but without privileges', async () => {
    const { isOther, data } = await unpacked([
      { ...self, mode: 0o1700 },
      file('secret', 'abc', 0o4600),
      file('sealed', '', 0o000),
      { name: './sub', type: '5', mode: 0o2555 },
      file('sub/program', 'x'.repeat(5000), 0o755),
      { name: './sub/again', type: '1', link: './sub/program' },
      { name: './shortcut', type: '2', link: '../../etc/passwd' },
      file('without/directory'),
    ]);
    expect(isOther).toBe(true);
    expect(modeOf(data)).toBe(0o1700);
    expect(modeOf(join(data, 'secret'))).toBe(0o600);
    expect(modeOf(join(data, 'sealed'))).toBe(0);
    expect(modeOf(join(data, 'sub'))).toBe(0o755);
    expect(modeOf(join(data, 'sub/program'))).toBe(0o755);
    expect(statSync(join(data, 'sub/again')).ino).toBe(statSync(join(data, 'sub/program')).ino);
    expect(readFileSync(join(data, 'sub/again'), 'utf8')).toHaveLength(5000);
    expect(readlinkSync(join(data, 'shortcut'))).toBe('../../etc/passwd');
    expect(readFileSync(join(data, 'without/directory'), 'utf8')).toBe('without/directory');
  });

  it('is the same as nothing when it is an empty directory with the permissions that are there', async () => {
    expect((await unpacked([self])).isOther).toBe(false);
    expect((await unpacked([{ ...self, mode: 0o700 }])).isOther).toBe(true);
  });

  it('is left out where it is no file, directory or link, and with it what links to that', async () => {
    const { data } = await unpacked([
      { name: './device', type: '3' },
      { name: './pipe', type: '6' },
      { name: './same-pipe', type: '1', link: './pipe' },
      file('file'),
    ]);
    expect(readdirSync(data)).toEqual(['file']);
  });

  it('makes way for the directories that are mounted in it', async () => {
    const root = join(folder(), 'volume');
    mkdirSync(join(root, 'data/a/volume'), { recursive: true });
    const { data } = await unpacked(
      [
        { name: './a', type: '2', link: '/etc' },
        { name: './a-file', type: '0' },
        { name: './b', type: '5', mode: 0o755 },
        { name: './b/volume', type: '2', link: '/etc' },
        file('b/volume-2'),
        file('b/volume/file'),
      ],
      { mounted: [DIRECTORY, '/data/a/volume', '/data/b/volume'] },
    );
    expect(lstatSync(join(data, 'a')).isDirectory()).toBe(true);
    expect(readdirSync(join(data, 'b'))).toEqual(['volume-2']);
    expect(readdirSync(data)).toEqual(['a', 'a-file', 'b']);
  });

  it.each<[string, TarFile[]]>([
    ['leads up', [file('../outside')]],
    ['leads up on its way', [file('a/../../../outside')]],
    ['goes through a link', [{ name: './a', type: '2', link: '../..' }, file('a/outside')]],
    [
      'makes directories through a link',
      [
        { name: './a', type: '2', link: '../..' },
        { name: './a/outside', type: '5' },
      ],
    ],
    ['links up', [{ name: './a', type: '1', link: '../../outside' }]],
    [
      'links through a link',
      [
        { name: './a', type: '2', link: '../..' },
        { name: './b', type: '1', link: './a/x' },
      ],
    ],
    ['is a file in the place of a directory', [{ name: './a', type: '5' }, file('a')]],
    ['is a file itself', [{ name: './', type: '0', body: Buffer.from('x') }]],
    ['is sparse', [{ name: './a', type: 'S', body: Buffer.from('x') }]],
  ])('is refused when it %s', async (_, files) => {
    await expect(unpacked([self, ...files])).rejects.toThrow();
    expect(existsSync(join(folder(), 'outside'))).toBe(false);
    expect(readdirSync(folder())).toEqual(['volume']);
    expect(readdirSync(join(folder(), 'volume'))).toEqual(['data']);
  });

  it('is written no further than there is room for bytes', async () => {
    const zeros = { name: './zeros', body: Buffer.alloc((1 << 20) - 4096) };
    await expect(unpacked([self, zeros, file('b', 'x'), file('c', 'x')])).rejects.toMatchObject({
      code: 'ERR_RUNTIME_STORAGE',
      detail: { limit: 'disk', limitValue: 1 << 20, observed: (1 << 20) + 4096 },
    });
    expect(readdirSync(join(folder(), 'volume/data'))).toEqual(['b', 'zeros']);
  });

  it('is written no further than there is room for files', async () => {
    const many = Array.from({ length: 4 }, (_, index) => file(`f${index}`, ''));
    await expect(unpacked([self, ...many], { maxFiles: 3 })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_STORAGE',
      detail: { limit: 'files', limitValue: 3, observed: 4 },
    });
    expect(readdirSync(join(folder(), 'volume/data'))).toEqual(['f0', 'f1', 'f2']);
  });
});
