import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTokens, parseTokens } from '../../../src/util/token-amount.ts';

describe('tokens', () => {
  const decimals = fc.integer({ min: 0, max: 36 });

  test('come back as they went, whatever their size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 38n }), decimals, (units, places) => {
        expect(parseTokens(formatTokens(units, places), places)).toBe(units);
      }),
    );
  });

  test('are never rounded', () => {
    expect(parseTokens('1.5', 18)).toBe(1_500_000_000_000_000_000n);
    expect(parseTokens('1.50', 1)).toBe(15n);
    expect(parseTokens('0.05', 1)).toBeUndefined();
    for (const text of ['', '.', '1.', '.5', '-1', '1e3', '0x1', ' 1', '１'])
      expect(parseTokens(text, 18)).toBeUndefined();
    expect(formatTokens(-15n, 1)).toBe('-1.5');
  });
});
