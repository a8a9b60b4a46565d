import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { CheckError, checker, problems } from '../../../src/util/check.ts';
import { ExeScript, Properties, Reason } from '../../../src/interface/index.ts';

const Shape = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z]+$' }),
    state: Type.Union([Type.Literal('On'), Type.Literal('Off')]),
    counts: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 3 })),
  },
  { additionalProperties: false },
);
const check = checker(Shape, 'shape');
const messageOf = (value: unknown, by: (value: unknown) => unknown = check): string => {
  try {
    by(value);
  } catch (error) {
    if (error instanceof CheckError) return error.message;
    throw error;
  }
  return 'fits';
};

describe('checker', () => {
  it('gives the very value back when it fits', () => {
    const value = { name: 'a', state: 'On', counts: [1] };
    expect(check(value)).toBe(value);
  });

  it.each<[unknown, string]>([
    [null, '(root) must be object, got null'],
    [{ name: 'a', state: 'Up' }, '/state must be one of "On", "Off", got "Up"'],
    [{ name: 'A', state: 'On' }, '/name must match pattern "^[a-z]+$", got "A"'],
    [{ state: 'On' }, '/name is required, got nothing'],
    [{ name: 'a', state: 'On', 'x/y': { z: 1 } }, '/x~1y is not a known member, got object with "z"'],
    [{ name: 'a', state: 'On', counts: [1, 0] }, '/counts/1 must be >= 1, got 0'],
    [JSON.parse('{"name":"a","state":"On","__proto__":1}'), '/__proto__ is not a known member, got 1'],
  ])('says what is wrong with %j', (value, message) => {
    expect(messageOf(value)).toBe(`Invalid shape: ${message}`);
  });

  it('lists several problems, ten at most', () => {
    const found = problems(Shape, {
      name: 1,
      state: 2,
      counts: [0, 0, 0],
      a: 1,
      b: 2,
      c: 3,
      d: 4,
      e: 5,
      f: 6,
      g: 7,
    });
    expect(found.length).toBeGreaterThan(5);
    expect(found.length).toBeLessThanOrEqual(10);
  });

  it('tells of a union the branch that was meant', () => {
    const script = checker(ExeScript, 'script');
    expect(messageOf([{ run: { entry_point: 5 } }], script)).toBe(
      'Invalid script: /0/run/entry_point must be string, got 5',
    );
    expect(messageOf([{ walk: {} }], script)).toContain('/0 must be one of { deploy }, { start }, { run }');
  });

  it('refuses keys that a record does not allow', () => {
    expect(messageOf({ 'a b': 1 }, checker(Properties, 'properties'))).toContain(
      '/a b is not a known member',
    );
    expect(messageOf({ code: 'X', message: 'm', detail: { 'a b': 1 } }, checker(Reason, 'reason'))).toContain(
      '/detail/a b',
    );
  });

  it('quotes little of what is large', () => {
    const value = { name: 'A'.repeat(1e6), state: 'x'.repeat(1e6), ['k'.repeat(1e5)]: 1 };
    expect(messageOf(value).length).toBeLessThan(1_000);
  });

  it('throws nothing but CheckError, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true }), (value) => {
        messageOf(value);
        messageOf([value], checker(ExeScript, 'script'));
        messageOf({ run: value }, checker(ExeScript, 'script'));
      }),
    );
  });
});
