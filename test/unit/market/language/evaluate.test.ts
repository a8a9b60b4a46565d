import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Properties } from '../../../../src/interface/values.ts';
import type { Filter } from '../../../../src/market/language/ast.ts';
import { and, evaluate, not, or } from '../../../../src/market/language/evaluate.ts';
import { parseFilter } from '../../../../src/market/language/parse.ts';
import { allOf } from '../../../../src/market/language/print.ts';
import { anyFilter, anyProperties } from './arbitraries.ts';

const T = true;
const F = false;
const U = undefined;

const properties: Properties = {
  name: 'Ergon node',
  subnet: 'public',
  empty: '',
  mem: 0.5,
  big: 1e21,
  flag: true,
  caps: ['vpn', 'inet', 'start-entrypoint'],
  sizes: [1, 2.5],
  none: [],
  'price@d': '0.1',
  'huge@d': '1000000000000000000000000000001',
  'bad@d': 'ten',
  'version@v': '1.10.0',
  'pre@v': '2.0.0-rc.2',
  'until@t': '2026-03-01T12:00:00+01:00',
  plain: '0.30000000000000004',
};

describe('evaluate', () => {
  it.each<[string, boolean | undefined]>([
    // strings
    ['(subnet=public)', T],
    ['(subnet=Public)', F],
    ['(subnet!=public)', F],
    ['(subnet>a)', T],
    ['(subnet<a)', F],
    ['(empty=)', T],
    ['(name=Erg*)', T],
    ['(name=*node)', T],
    ['(name=E*n*e)', T],
    ['(name=E*x*e)', F],
    ['(name!=E*)', F],
    ['(name=Ergon node*Ergon node)', F],
    // numbers
    ['(mem=0.5)', T],
    ['(mem=0.50)', T],
    ['(mem=5e-1)', T],
    ['(mem>=0.5)', T],
    ['(mem>0.5)', F],
    ['(mem<1)', T],
    ['(mem=half)', U],
    ['(mem=0*)', U],
    ['(big=1000000000000000000000)', T],
    ['(mem>=1e9999)', U],
    ['(mem>-.5)', T],
    ['(mem>.)', U],
    // booleans
    ['(flag=true)', T],
    ['(flag=false)', F],
    ['(flag!=true)', F],
    ['(flag=yes)', U],
    ['(flag>=true)', U],
    // lists
    ['(caps=vpn)', T],
    ['(caps=gpu)', F],
    ['(caps!=gpu)', T],
    ['(caps=start-*)', T],
    ['(caps>vpn)', U],
    ['(none=x)', F],
    ['(caps=[inet,vpn,start-entrypoint])', T],
    ['(caps=[vpn])', F],
    ['(caps=[vpn,vpn,inet])', F],
    ['(none=[])', T],
    ['(sizes=2.50)', T],
    ['(sizes=3)', F],
    ['(sizes=x)', U],
    // decimals
    ['(price=0.1)', T],
    ['(price=0.10000000000000001)', F],
    ['(price<0.10000000000000001)', T],
    ['(price@d=0.1)', T],
    ['(bad=10)', U],
    ['(huge>1000000000000000000000000000000)', T],
    ['(huge<=1000000000000000000000000000001)', T],
    ['(price@v=0.1)', U],
    ['(plain@d>0.3)', T],
    ['(plain@d=0.3)', F],
    ['(mem@d=0.5)', T],
    ['(mem@t=0.5)', U],
    // versions
    ['(version>1.9)', T],
    ['(version=1.10)', T],
    ['(version<1.10.0.1)', T],
    ['(pre<2)', T],
    ['(pre>2.0.0-rc.1)', T],
    ['(pre<2.0.0-rc.10)', T],
    ['(pre>2.0.0-beta)', T],
    ['(version>=latest)', U],
    ['(version=1.*)', U],
    ['(pre>2.0.0-9)', T],
    ['(pre<2.0.0-rc.2.1)', T],
    // datetimes
    ['(until=2026-03-01T11:00:00Z)', T],
    ['(until<2026-03-01T11:00:00.000000001Z)', T],
    ['(until>2026-02-30T00:00:00Z)', U],
    ['(until>2026-02-28T23:59:59-05:30)', T],
    ['(until=2026-03-01)', U],
    // presence and absence
    ['(name=*)', T],
    ['(price=*)', T],
    ['(gone=*)', F],
    ['(!(gone=*))', T],
    ['(gone!=*)', T],
    ['(gone=1)', U],
    ['(gone!=1)', U],
    ['(!(gone=1))', U],
    ['(toString=*)', F],
    ['(__proto__=*)', F],
    // connectives
    ['(&)', T],
    ['(|)', F],
    ['()', T],
    ['', T],
    ['(&(mem>=0.5)(gone=1))', U],
    ['(&(mem>9)(gone=1))', F],
    ['(|(mem>9)(gone=1))', U],
    ['(|(mem>=0.5)(gone=1))', T],
  ])('%s is %s', (filter, expected) => {
    expect(evaluate(parseFilter(filter), properties)).toBe(expected);
  });

  it("follows Kleene's tables", () => {
    const table = [T, F, U].flatMap((a) => [T, F, U].map((b) => [a, b, and([a, b]), or([a, b])] as const));
    expect(table).toEqual([
      [T, T, T, T],
      [T, F, F, T],
      [T, U, U, T],
      [F, T, F, T],
      [F, F, F, F],
      [F, U, F, U],
      [U, T, U, T],
      [U, F, F, U],
      [U, U, U, U],
    ]);
    expect([T, F, U].map(not)).toEqual([F, T, U]);
  });

  const value = (filter: Filter, over: Properties) => evaluate(filter, over);
  const negated = (item: Filter): Filter => ({ kind: 'not', item });

  it('keeps double negation and De Morgan, in three values', () => {
    fc.assert(
      fc.property(fc.array(anyFilter, { maxLength: 4 }), anyProperties, (items, over) => {
        for (const item of items) expect(value(negated(negated(item)), over)).toBe(value(item, over));
        expect(value(negated({ kind: 'and', items }), over)).toBe(
          value({ kind: 'or', items: items.map(negated) }, over),
        );
        expect(value(negated({ kind: 'or', items }), over)).toBe(
          value({ kind: 'and', items: items.map(negated) }, over),
        );
        expect(value(allOf(items), over)).toBe(value({ kind: 'and', items }, over));
      }),
    );
  });

  it('never contradicts itself when a property is added that no presence test asks for', () => {
    const withoutPresence = (filter: Filter): boolean =>
      filter.kind === 'present' ? false
      : filter.kind === 'not' ? withoutPresence(filter.item)
      : filter.kind === 'and' || filter.kind === 'or' ? filter.items.every(withoutPresence)
      : true; // prettier-ignore
    fc.assert(
      fc.property(anyFilter.filter(withoutPresence), anyProperties, anyProperties, (filter, over, more) => {
        const before = value(filter, over);
        // Keys with a type suffix and without name the same property: adding the one changes which is found.
        const names = new Set(Object.keys(over).map(bare));
        const added = Object.entries(more).filter(([key]) => !names.has(bare(key)));
        if (before !== undefined)
          expect(value(filter, Object.assign(Object.create(null), over, Object.fromEntries(added)))).toBe(
            before,
          );
      }),
    );
  });

  it('orders each type totally: >= is the negation of <, and a wider bound never excludes', () => {
    const number = fc.oneof(
      fc.integer().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 }).map(String),
    );
    fc.assert(
      fc.property(number, number, number, fc.constantFrom('k', 'k@d'), (own, bound, other, key) => {
        const over: Properties = { [key]: key === 'k' ? Number(own) : own };
        const compare = (op: '>=' | '<' | '>', literal: string) =>
          value({ kind: 'compare', key: 'k', op, value: literal }, over);
        expect(compare('>=', bound)).toBe(not(compare('<', bound)));
        const [low, high] = Number(bound) < Number(other) ? [bound, other] : [other, bound];
        if (compare('>=', high) === true) expect(compare('>=', low)).toBe(true);
      }),
    );
  });
});

function bare(key: string): string {
  return key.replace(/@[dvt]$/, '');
}
