import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ARCHIVE_LIMITS,
  extractArchive,
  type ArchiveLimits,
} from '../../../../src/transfer/archive/index.ts';
import { tarOf } from '../../../support/archives.ts';
import { HOSTILE_ARCHIVES } from '../../../support/hostile-archives.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const LIMITS: ArchiveLimits = { ...ARCHIVE_LIMITS, maxBytes: 8 << 20 };

/** Names, sizes and contents of everything below. */
function snapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? readFileSync(path, 'utf8') : 'directory'}`;
    })
    .sort();
}

describe('hostile archives', () => {
  function prepare(bytes: Buffer): { archive: string; root: string } {
    const root = join(folder(), 'outer', 'root');
    mkdirSync(join(root, 'target'), { recursive: true });
    writeFileSync(join(folder(), 'outer', 'secret'), 'untouched');
    writeFileSync(join(root, 'target', 'before'), 'was here');
    const archive = join(folder(), 'archive');
    writeFileSync(archive, bytes);
    return { archive, root };
  }

  it.each(Object.entries(HOSTILE_ARCHIVES))(
    '%s is refused, and nothing was written',
    async (_, { archive: make, ...rest }) => {
      const { archive, root } = prepare(make());
      const before = snapshot(join(folder(), 'outer'));
      const limits = { ...LIMITS, ...rest.limits };
      const options = {
        archive,
        root,
        path: '/target',
        selection: {},
        limits,
        signal: new AbortController().signal,
      };
      await expect(extractArchive(options)).rejects.toMatchObject({ code: rest.code });
      expect(snapshot(join(folder(), 'outer'))).toEqual(before);
    },
  );

  it('does not write through a link that the guest has made', async () => {
    const { archive, root } = prepare(tarOf([{ name: 'link/stolen', content: 'x' }]));
    symlinkSync('../..', join(root, 'target', 'link'));
    const before = snapshot(join(folder(), 'outer'));
    await expect(
      extractArchive({
        archive,
        root,
        path: '/target',
        selection: {},
        limits: LIMITS,
        signal: new AbortController().signal,
      }),
    ).rejects.toMatchObject({ code: 'ERR_PATH_SYMLINK' });
    expect(snapshot(join(folder(), 'outer'))).toEqual(before);
  });

  it('takes over no setuid, setgid or sticky bit, and no owner', async () => {
    const { archive, root } = prepare(
      tarOf([
        { name: 'su', mode: 0o7755 },
        { name: 'data', mode: 0o6666 },
      ]),
    );
    const signal = new AbortController().signal;
    await extractArchive({ archive, root, path: '/target', selection: {}, limits: LIMITS, signal });
    expect(statSync(join(root, 'target', 'su')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(root, 'target', 'data')).mode & 0o7777).toBe(0o644);
  });

  it('stops when it is aborted', async () => {
    const { archive, root } = prepare(tarOf([{ name: 'first.txt' }]));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      extractArchive({ archive, root, path: '/t', selection: {}, limits: LIMITS, signal }),
    ).rejects.toThrow('enough');
  });

  it('reads what the tar of this machine writes', async () => {
    const { root } = prepare(Buffer.alloc(0));
    const source = join(folder(), 'source');
    mkdirSync(join(source, 'a', 'empty'), { recursive: true });
    writeFileSync(join(source, 'a', `${'long'.repeat(40)}.txt`), 'x'.repeat(10_000));
    const archive = join(folder(), 'made.tar.gz');
    for (const format of ['gnu', 'posix']) {
      execFileSync('tar', ['-C', source, `--format=${format}`, '-czf', archive, '.'], {
        stdio: 'ignore',
      });
      const signal = new AbortController().signal;
      const done = await extractArchive({
        archive,
        root,
        path: `/${format}`,
        selection: {},
        limits: LIMITS,
        signal,
      });
      expect(done).toEqual({ files: 1, sizeBytes: 10_000 });
      expect(readdirSync(join(root, format, 'a'))).toContain('empty');
    }
  });
});
