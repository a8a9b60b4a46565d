import fc from 'fast-check';
import type { CompareOp, Filter, Term } from '../../../../src/market/language/ast.ts';
import type { Properties } from '../../../../src/interface/values.ts';

/** Few names, so that terms and properties meet. */
const NAMES = ['a', 'b.c', 'golem.inf.mem.gib', 'x-y?', 'p@d', 'q@v', 'r@t', '__proto__', 'toString'];

const anyKey = fc.oneof(
  fc.constantFrom(...NAMES, 'p', 'q', 'r', 'a@d', 'a@v', 'a@t'),
  fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }).filter((key) => !/[\s=<>()*!&|]/u.test(key)),
);

const literal = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    '0.5',
    '-3',
    '1.2.0',
    '1.2.0-rc.1',
    '2026-01-01T00:00:00Z',
    'true',
    'false',
    'foo',
    '[foo, 1]',
  ),
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.string({
    maxLength: 8,
    unit: fc.constantFrom(' ', '(', ')', '*', '\\', '\t', '\n', 'é', 'a', '0', '=', '>'),
  }),
);

const compareOp = fc.constantFrom<CompareOp>('=', '!=', '>', '>=', '<', '<=');

export const anyTerm: fc.Arbitrary<Term> = fc.oneof(
  fc.record({ kind: fc.constant('present' as const), key: anyKey }),
  fc.record({ kind: fc.constant('compare' as const), key: anyKey, op: compareOp, value: literal }),
  fc.record({
    kind: fc.constant('wildcard' as const),
    key: anyKey,
    op: fc.constantFrom('=' as const, '!=' as const),
    // Empty texts in the middle are runs of stars, which are read as one star.
    parts: fc
      .tuple(
        literal,
        fc.array(
          literal.filter((part) => part !== ''),
          { maxLength: 2 },
        ),
        literal,
      )
      .map(([first, middle, last]) => [first, ...middle, last])
      .filter((parts) => parts.some((part) => part !== '')),
  }),
);

export const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    anyTerm,
    fc.record({ kind: fc.constant('not' as const), item: tie('filter') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      items: fc.array(tie('filter'), { maxLength: 4 }),
    }),
  ),
})).filter;

const scalar = fc.oneof(
  literal,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
);

export const anyProperties: fc.Arbitrary<Properties> = fc.dictionary(
  fc.oneof(fc.constantFrom(...NAMES), anyKey),
  fc.oneof(scalar, fc.array(scalar, { maxLength: 4 })),
  { maxKeys: 8 },
);
