import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ARCHIVE_LIMITS,
  copyTree,
  detectFormat,
  extractArchive,
  packArchive,
  type ArchiveFormat,
  type ArchiveLimits,
  type Selection,
} from '../../../../src/transfer/archive/index.ts';
import { matchesGlob } from '../../../../src/util/glob.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const LIMITS: ArchiveLimits = { ...ARCHIVE_LIMITS, maxBytes: 64 << 20 };
const FORMATS: readonly ArchiveFormat[] = ['tar', 'tar.gz', 'zip'];
const signal = new AbortController().signal;

type Planted = { readonly content: string; readonly executable: boolean } | 'directory';
type Tree = ReadonlyMap<string, Planted>;

/** A tree as files: a path that another path runs through is a directory. */
function plant(
  root: string,
  files: readonly { names: readonly string[]; content: Uint8Array; executable: boolean }[],
): void {
  for (const { names, content, executable } of files) {
    const path = join(root, ...names);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content, { mode: executable ? 0o755 : 0o644, flag: 'wx' });
    } catch {
      // Something else stands there already: one file less.
    }
  }
}

function treeOf(root: string): Tree {
  return new Map<string, Planted>(
    readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(root.length + 1);
      if (entry.isDirectory()) return [name, 'directory'] as const;
      return [
        name,
        { content: readFileSync(path, 'hex'), executable: (statSync(path).mode & 0o100) !== 0 },
      ] as const;
    }),
  );
}

async function packTo(
  path: string,
  root: string,
  format: ArchiveFormat,
  selection: Selection = {},
): Promise<void> {
  await writeFile(path, packArchive({ root, path: '/', format, selection, limits: LIMITS, signal }));
}

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c.txt', 'd.bin', 'sub', '...', 'ü', '名前', ' x '),
  fc.stringMatching(/^[a-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..'),
  fc.constant('long'.repeat(60)),
);
const file = fc.record({
  names: fc.array(name, { minLength: 1, maxLength: 4 }),
  content: fc.uint8Array({ maxLength: 3000 }),
  executable: fc.boolean(),
});

describe('packing and unpacking', () => {
  it.each(FORMATS)(
    '%s gives every tree back, byte for byte, and the same bytes for the same tree',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fc.array(file, { maxLength: 12 }), async (files) => {
          const base = mkdtempSync(join(folder(), 'case-'));
          const [from, to] = [join(base, 'from'), join(base, 'to')];
          mkdirSync(from);
          mkdirSync(to);
          plant(from, files);
          await packTo(join(base, 'archive'), from, format);
          expect(await detectFormat(join(base, 'archive'))).toBe(format);
          await extractArchive({
            archive: join(base, 'archive'),
            root: to,
            path: '/',
            selection: {},
            limits: LIMITS,
            signal,
          });
          expect(treeOf(to)).toEqual(treeOf(from));
          await packTo(join(base, 'again'), to, format);
          expect(readFileSync(join(base, 'again')).equals(readFileSync(join(base, 'archive')))).toBe(true);
          await rm(base, { recursive: true });
        }),
        { numRuns: 25 },
      );
    },
  );

  it('chooses the same files on the way out, on the way in, and from one directory to another', async () => {
    const glob = fc.constantFrom(
      '**',
      '**/*.txt',
      'a/**',
      '*',
      'sub/*',
      '{a,b}/**',
      '[!a]*',
      '**/c.txt',
      'a',
      '?',
    );
    const selection = fc.record({
      maxDepth: fc.integer({ min: 1, max: 4 }),
      sets: fc.array(
        fc.record({ includes: fc.array(glob, { maxLength: 2 }), excludes: fc.array(glob, { maxLength: 2 }) }),
        { minLength: 1, maxLength: 2 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 12 }), selection, async (files, chosen) => {
        const base = mkdtempSync(join(folder(), 'case-'));
        const directories = ['from', 'out', 'in', 'copy'].map((one) => join(base, one));
        for (const one of directories) mkdirSync(one);
        const [from = '', out = '', into = ''] = directories;
        plant(from, files);
        await packTo(join(base, 'some'), from, 'tar', chosen);
        await packTo(join(base, 'all'), from, 'zip');
        const extract = { path: '/', limits: LIMITS, signal };
        await extractArchive({ ...extract, archive: join(base, 'some'), root: out, selection: {} });
        await extractArchive({ ...extract, archive: join(base, 'all'), root: into, selection: chosen });
        await copyTree({ root: base, path: '/from', to: '/copy', selection: chosen, limits: LIMITS, signal });
        const expected = new Map(
          [...treeOf(from)].filter(([path, node]) => node !== 'directory' && isChosen(path, chosen)),
        );
        for (const one of [out, into, join(base, 'copy')]) {
          expect(new Map([...treeOf(one)].filter(([, node]) => node !== 'directory'))).toEqual(expected);
        }
        await rm(base, { recursive: true });
      }),
      { numRuns: 25 },
    );
  });

  it.each(FORMATS)('%s keeps what is larger than any buffer', async (format) => {
    const content = Buffer.alloc(5_000_001, 'some text that repeats itself. ');
    mkdirSync(join(folder(), 'from'));
    mkdirSync(join(folder(), 'to'));
    writeFileSync(join(folder(), 'from', 'big'), content);
    const archive = join(folder(), 'archive');
    await packTo(archive, join(folder(), 'from'), format);
    const progress: number[] = [];
    await extractArchive({
      archive,
      root: join(folder(), 'to'),
      path: '/x/y',
      selection: {},
      limits: LIMITS,
      signal,
      onProgress: (done, total) => progress.push(done, total),
    });
    expect(readFileSync(join(folder(), 'to', 'x', 'y', 'big')).equals(content)).toBe(true);
    expect(progress.slice(-2)).toEqual([content.length, content.length]);
  });

  const outward = (format: ArchiveFormat, limits: Partial<ArchiveLimits> = {}, selection: Selection = {}) =>
    writeFile(
      join(folder(), 'archive'),
      packArchive({
        root: folder(),
        path: '/from',
        format,
        selection,
        limits: { ...LIMITS, ...limits },
        signal,
      }),
    );

  it.each(FORMATS)('%s takes no link along, unless it is left out', async (format) => {
    mkdirSync(join(folder(), 'from', 'd'), { recursive: true });
    writeFileSync(join(folder(), 'from', 'file'), 'x');
    symlinkSync('/etc', join(folder(), 'from', 'd', 'etc'));
    await expect(outward(format)).rejects.toMatchObject({ code: 'ERR_ARCHIVE_ENTRY_TYPE' });
    await outward(format, {}, { sets: [{ includes: ['*'], excludes: [] }] });
    await outward(format, {}, { maxDepth: 1 });
  });

  it('refuses what is too much, before it is read', async () => {
    mkdirSync(join(folder(), 'from', 'a', 'b', 'c'), { recursive: true });
    writeFileSync(join(folder(), 'from', 'sparse'), '');
    await expect(outward('tar', { maxDepth: 2 })).rejects.toMatchObject({ code: 'ERR_ARCHIVE_TOO_DEEP' });
    await expect(outward('tar', { maxEntries: 3 })).rejects.toMatchObject({ code: 'ERR_ARCHIVE_TOO_MANY' });
    await truncate(join(folder(), 'from', 'sparse'), 2 ** 40);
    await expect(outward('tar')).rejects.toMatchObject({ code: 'ERR_ARCHIVE_TOO_LARGE' });
  });

  it('copies no tree into itself', async () => {
    mkdirSync(join(folder(), 'from'));
    for (const to of ['/from', '/from/inner', '/']) {
      const path = to === '/' ? '/' : '/from';
      await expect(
        copyTree({ root: folder(), path, to, selection: {}, limits: LIMITS, signal }),
      ).rejects.toMatchObject({ code: 'ERR_ARCHIVE_PATH' });
    }
  });
});

function isChosen(path: string, { maxDepth = Infinity, sets = [] }: Selection): boolean {
  return (
    path.split('/').length <= maxDepth &&
    sets.some(
      ({ includes, excludes }) =>
        (includes.length === 0 || includes.some((glob) => matchesGlob(glob, path))) &&
        !excludes.some((glob) => matchesGlob(glob, path)),
    )
  );
}
