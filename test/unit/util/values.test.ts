import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { canonicalJson } from '../../../src/util/canonical-json.ts';
import { deepFreeze } from '../../../src/util/deep-freeze.ts';
import { escapeSegment, valueAt } from '../../../src/util/json-pointer.ts';
import { sha256 } from '../../../src/util/sha256.ts';
import { shorten } from '../../../src/util/shorten.ts';

describe('canonicalJson', () => {
  it('is the same for equal values, whatever the order of their members, and says the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses what has no JSON', () => {
    expect(() => canonicalJson(undefined)).toThrow();
    expect(() => canonicalJson({ a: Number.NaN })).toThrow();
  });
});

describe('valueAt', () => {
  it('finds what a pointer names, and own members only', () => {
    const root = { 'a/b': { '~': [1, 2] } };
    expect(valueAt(root, `/${escapeSegment('a/b')}/${escapeSegment('~')}/1`)).toBe(2);
    expect(valueAt(root, '')).toBe(root);
    expect(valueAt(root, '/constructor')).toBeUndefined();
    expect(valueAt(root, '/a/b')).toBeUndefined();
  });
});

describe('shorten', () => {
  it('is short and throws at nothing', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true }),
        (value) => shorten(value).length <= 80,
      ),
    );
    expect(shorten('x'.repeat(1e6))).toHaveLength(80);
    expect(shorten({ a: 1 })).toBe('object with "a"');
  });
});

it('deepFreeze freezes all levels', () => {
  const value = deepFreeze({ a: [{ b: 1 }] });
  expect([value, value.a, value.a[0]].every((part) => Object.isFrozen(part))).toBe(true);
});

it('sha256 hashes its parts in a row', () => {
  expect(sha256('a', Buffer.from('bc')).toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
