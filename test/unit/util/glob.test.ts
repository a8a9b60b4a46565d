import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/util/glob.ts';

describe('globs', () => {
  it.each([
    ['**/*.txt', 'a.txt', true],
    ['**/*.txt', 'a/b/c.txt', true],
    ['**/*.txt', 'a/b/c.txt.gz', false],
    ['*.txt', 'a/b.txt', false],
    ['a/**', 'a/b/c', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'b/z', false],
    ['**', 'any/thing', true],
    ['file?', 'file1', true],
    ['file?', 'file', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a-c]x', 'zx', true],
    ['[', '[', true],
    ['{a,b{c,d}}.js', 'bd.js', true],
    ['{a,b}.js', 'c.js', false],
    ['{', '{', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['ü*', 'über', true],
    ['a.b', 'axb', false],
    ['', 'a', false],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(matchesGlob(pattern, path)).toBe(expected);
  });

  it('matches every path without special characters with itself, and with stars in its places', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,6}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.nat(), (names, index) => {
        const at = index % names.length;
        const path = names.join('/');
        const starred = (star: string): string => names.map((one, i) => (i === at ? star : one)).join('/');
        return (
          matchesGlob(path, path) &&
          matchesGlob(starred('*'), path) &&
          matchesGlob(starred('**'), path) &&
          !matchesGlob(`${path}/x`, path)
        );
      }),
    );
  });

  it('takes no longer for patterns that are made to take long', () => {
    const pattern = '*a'.repeat(200);
    expect(matchesGlob(pattern, 'a'.repeat(255))).toBe(true);
    expect(matchesGlob(`${pattern}b`, 'a'.repeat(255))).toBe(false);
    expect(matchesGlob('{a,b}'.repeat(80), 'c')).toBe(false);
    expect(matchesGlob('**/'.repeat(100) + 'x', 'a/'.repeat(60) + 'y')).toBe(false);
  });
});
