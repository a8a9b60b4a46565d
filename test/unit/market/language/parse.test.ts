import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConstraintError } from '../../../../src/market/errors.ts';
import { parseFilter } from '../../../../src/market/language/parse.ts';
import { printFilter } from '../../../../src/market/language/print.ts';
import { anyFilter } from './arbitraries.ts';

const DEFAULT_DEMAND =
  '(&(golem.com.pricing.model=linear)\n\t(golem.node.debug.subnet=public)\n\t(golem.runtime.name=vm)\n\t' +
  '(golem.inf.mem.gib>=0.5)\n\t(golem.inf.storage.gib>=2)\n\t(golem.inf.cpu.cores>=1)\n\t(golem.inf.cpu.threads>=1)\n\t' +
  '(golem.com.payment.platform.erc20-holesky-tglm.address=*)\n\t(golem.com.payment.protocol.version>1))';

function errorOf(text: string): ConstraintError {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof ConstraintError) return error;
    throw error;
  }
  throw new Error(`parsed: ${text}`);
}

describe('parseFilter', () => {
  it('reads the default demand of the stock client', () => {
    const filter = parseFilter(DEFAULT_DEMAND);
    expect(filter).toMatchObject({ kind: 'and' });
    expect(printFilter(filter)).toBe(DEFAULT_DEMAND.replace(/[\n\t]/g, ''));
  });

  it.each([
    ['', { kind: 'and', items: [] }],
    [' \n', { kind: 'and', items: [] }],
    ['()', { kind: 'and', items: [] }],
    ['(&)', { kind: 'and', items: [] }],
    ['( | )', { kind: 'or', items: [] }],
    ['a=1', { kind: 'compare', key: 'a', op: '=', value: '1' }],
    [' ( a.b >= 0.5 ) ', { kind: 'compare', key: 'a.b', op: '>=', value: '0.5' }],
    ['(a!=1)', { kind: 'compare', key: 'a', op: '!=', value: '1' }],
    ['(a<>1)', { kind: 'compare', key: 'a', op: '!=', value: '1' }],
    ['(a=)', { kind: 'compare', key: 'a', op: '=', value: '' }],
    ['(a=*)', { kind: 'present', key: 'a' }],
    ['(a= ** )', { kind: 'present', key: 'a' }],
    ['(a!=*)', { kind: 'not', item: { kind: 'present', key: 'a' } }],
    ['(a=foo*bar)', { kind: 'wildcard', key: 'a', op: '=', parts: ['foo', 'bar'] }],
    ['(a=*x**y*)', { kind: 'wildcard', key: 'a', op: '=', parts: ['', 'x', 'y', ''] }],
    ['(a=\\28\\29\\2a\\5C)', { kind: 'compare', key: 'a', op: '=', value: '()*\\' }],
    ['(a=\\(\\)\\*\\\\)', { kind: 'compare', key: 'a', op: '=', value: '()*\\' }],
    ['(a=caf\\c3\\a9)', { kind: 'compare', key: 'a', op: '=', value: 'café' }],
    ['(a= two words\\20 )', { kind: 'compare', key: 'a', op: '=', value: 'two words ' }],
    [
      '(a=hash:sha3:ab:http://x/y?z=1&t=<2>)',
      { kind: 'compare', key: 'a', op: '=', value: 'hash:sha3:ab:http://x/y?z=1&t=<2>' },
    ],
    ['(price@d<=0.1)', { kind: 'compare', key: 'price@d', op: '<=', value: '0.1' }],
    ['(a.interval-sec?=120)', { kind: 'compare', key: 'a.interval-sec?', op: '=', value: '120' }],
    ['(! (a=1))', { kind: 'not', item: { kind: 'compare', key: 'a', op: '=', value: '1' } }],
  ])('reads %j', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected);
  });

  it.each([
    ['(a=1', 5, "')'"],
    ['(a=1))', 6, 'the end of the filter (several terms go into one (&…))'],
    ['(a=1)(b=2)', 6, 'the end of the filter (several terms go into one (&…))'],
    ['(&(a=1)b=2)', 8, "'(' or ')'"],
    ['(!a=1)', 3, "'('"],
    ['(!)', 3, "'('"],
    ['(a)', 3, 'one of = != > >= < <='],
    ['(=1)', 2, "a property name, '&', '|' or '!'"],
    ['(a b=1)', 4, 'one of = != > >= < <='],
    ['(a>*)', 4, 'a value without wildcards after an ordering operator (escape * as \\2a)'],
    ['(a=(b))', 4, "')' or more of the value (escape ( as \\28)"],
    ['(a=\\zz)', 5, 'two hex digits, or one of ( ) * \\, after the backslash'],
    ['(a=x\\c3)', 5, 'bytes of UTF-8'],
  ])('points at what is wrong in %j', (text, column, expected) => {
    const error = errorOf(text);
    expect(error).toMatchObject({
      code: 'ERR_MARKET_CONSTRAINT_SYNTAX',
      column,
      expected,
      detail: { column, expected },
    });
  });

  it('draws a caret under the column, also in a long filter of several lines', () => {
    expect(errorOf('(&(a=1)\n\t(b>=*))').message.split('\n')).toEqual([
      expect.stringContaining('column 14: expected a value without wildcards'),
      '(&(a=1)  (b>=*))',
      '             ^',
    ]);
    const long = errorOf(`(&${'(aaaa=1)'.repeat(100)}(b)${'(c=1)'.repeat(100)})`);
    const [, snippet = '', caret = ''] = long.message.split('\n');
    expect(snippet.length).toBeLessThanOrEqual(80);
    expect(snippet.charAt(caret.length - 1)).toBe(')');
    expect(snippet.slice(0, caret.length).endsWith('(b)')).toBe(true);
  });

  it('bounds length, depth, terms and names', () => {
    expect(errorOf(`(a=${'x'.repeat(16_384)})`).expected).toBe('at most 16384 characters');
    expect(errorOf(`${'(!'.repeat(64)}(a=1)${')'.repeat(64)}`).expected).toBe(
      'at most 64 levels of parentheses',
    );
    expect(parseFilter(`${'(!'.repeat(63)}(a=1)${')'.repeat(63)}`)).toMatchObject({ kind: 'not' });
    expect(errorOf(`(&${'(a=1)'.repeat(1024)})`).expected).toBe('at most 1024 terms');
    expect(errorOf(`(${'k'.repeat(257)}=1)`).column).toBe(2);
  });

  it('prints what it parses and parses what it prints', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        expect(parseFilter(printFilter(filter))).toEqual(filter);
      }),
    );
  });

  it('throws nothing but ConstraintError with a column inside the text, for any text', () => {
    const alphabet = fc.constantFrom(
      '(',
      ')',
      '&',
      '|',
      '!',
      '=',
      '<',
      '>',
      '*',
      '\\',
      'a',
      '2',
      ' ',
      '\n',
      '@d',
      'é',
      '\ud800',
    );
    const mutated = fc
      .tuple(anyFilter, fc.nat(), fc.nat({ max: 4 }), fc.string({ unit: alphabet, maxLength: 3 }))
      .map(([filter, at, removed, inserted]) => {
        const text = printFilter(filter);
        const position = at % (text.length + 1);
        return text.slice(0, position) + inserted + text.slice(position + removed);
      });
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: alphabet, maxLength: 60 }), mutated),
        (text) => {
          try {
            const filter = parseFilter(text);
            expect(parseFilter(printFilter(filter))).toEqual(filter);
          } catch (error) {
            if (!(error instanceof ConstraintError)) throw error;
            expect(error.column).toBeGreaterThanOrEqual(1);
            expect(error.column).toBeLessThanOrEqual(text.length + 1);
            expect(error.expected).not.toBe('');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
