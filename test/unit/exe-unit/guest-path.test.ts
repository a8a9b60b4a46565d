import { describe, expect, it } from 'vitest';
import { volumePath } from '../../../src/exe-unit/supervisor/guest-path.ts';
import type { GuestView } from '../../../src/interface/exe-unit-runtime.ts';

const view: GuestView = {
  workingDirectory: '/golem/work',
  directories: [
    { guestPath: '/volume', volumePath: '/' },
    { guestPath: '/golem/work', volumePath: '/golem/work' },
    { guestPath: '/tmp', volumePath: '/tmp' },
    { guestPath: '/golem/work/cache', volumePath: '/elsewhere' },
  ],
};
const whole: GuestView = {
  workingDirectory: '/out',
  directories: [{ guestPath: '/', volumePath: '/' }],
};

describe('a path of the guest', () => {
  it.each([
    ['/golem/work/a', '/golem/work/a'],
    ['/tmp/a/b', '/tmp/a/b'],
    ['//tmp/./a//b', '/tmp/a/b'],
    ['/volume/a', '/a'],
    ['/volume/golem/work/a', '/golem/work/a'],
    // Of two directories that it lies in, the inner one.
    ['/golem/work/cache/a', '/elsewhere/a'],
    ['/golem/work/cached', '/golem/work/cached'],
    ['a', '/golem/work/a'],
    ['./a/b', '/golem/work/a/b'],
    // A directory stays one.
    ['/tmp/', '/tmp/'],
    ['a/', '/golem/work/a/'],
    ['', '/golem/work'],
    ['/volume', '/.'],
    ['/volume/', '/./'],
  ])('%s is %s in the volume', (path, expected) => {
    expect(volumePath(path, view)).toBe(expected);
  });

  it('is anywhere in a volume that the guest sees as a whole', () => {
    expect(volumePath('/etc/x', whole)).toBe('/etc/x');
    expect(volumePath('x', whole)).toBe('/out/x');
    expect(volumePath('/', whole)).toBe('/./');
  });

  it.each(['/', '/etc/os-release', '/golem', '/golem/works/a', '/tmpfile', '/volumes/a', '/proc/self/mem'])(
    '%s lies in none of its directories, and is refused by their names',
    (path) => {
      expect(() => volumePath(path, view)).toThrow(
        expect.objectContaining({
          code: 'ERR_EXE_UNIT_NO_VOLUME',
          message: expect.stringMatching(/\/golem\/work, .*\/tmp, \/volume/) as string,
          detail: { path, volumes: ['/golem/work', '/golem/work/cache', '/tmp', '/volume'] },
        }),
      );
    },
  );

  it.each(['/tmp/../etc/passwd', '../x', '/golem/work/..', '/..'])('%s leads nowhere', (path) => {
    for (const seen of [view, whole])
      expect(() => volumePath(path, seen)).toThrow(expect.objectContaining({ code: 'ERR_PATH_INVALID' }));
  });
});
