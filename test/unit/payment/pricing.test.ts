import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pricing } from '../../../src/interface/market.ts';
import { MAX_AMOUNT, toAmount, unitsOf } from '../../../src/payment/amount.ts';
import { cost } from '../../../src/payment/pricing.ts';

const NANO = 1_000_000_000n;
const COUNTERS = ['a.duration_sec', 'a.cpu_sec', 'a.gib'];

const sum = fc.bigInt({ min: 0n, max: 10n ** 24n }).map(String);
const pricingArb: fc.Arbitrary<Pricing> = fc.record({
  model: fc.constant('linear' as const),
  platform: fc.constant('ledger'),
  counters: fc.constant(COUNTERS),
  coefficients: fc.tuple(sum, sum, sum),
  startPrice: sum,
});
const counter = fc.bigInt({ min: 0n, max: 10n ** 18n });
const usageArb = fc.tuple(counter, counter, counter);
const usageOf = (values: readonly bigint[]): Record<string, string> =>
  Object.fromEntries(COUNTERS.map((name, index) => [name, String(values[index])]));

describe('cost', () => {
  it('adds the start price and each counter at its coefficient, and rounds once, down', () => {
    const pricing: Pricing = {
      model: 'linear',
      platform: 'ledger',
      counters: ['x', 'y'],
      coefficients: ['1', '1'],
      startPrice: '5',
    };
    // Each alone would be rounded to 0; together they make a whole unit.
    expect(cost(pricing, { x: '600000000', y: '600000000' })).toBe(6n);
    expect(cost(pricing, { x: '999999999' })).toBe(5n);
    expect(cost(pricing, {})).toBe(5n);
    expect(cost(pricing, { unpriced: '123456789000000000' })).toBe(5n);
  });

  it('is exact where a float is not', () => {
    const pricing: Pricing = {
      model: 'linear',
      platform: 'ledger',
      counters: ['x'],
      coefficients: ['9007199254740993'],
      startPrice: '1',
    };
    expect(cost(pricing, { x: '1000000000' })).toBe(9_007_199_254_740_994n);
  });

  it('never falls when usage rises, and never goes below the start price', () => {
    fc.assert(
      fc.property(pricingArb, usageArb, usageArb, (pricing, base, more) => {
        const less = cost(pricing, usageOf(base));
        const rest = cost(pricing, usageOf(base.map((value, index) => value + more[index]!)));
        expect(rest).toBeGreaterThanOrEqual(less);
        expect(less).toBeGreaterThanOrEqual(BigInt(pricing.startPrice));
      }),
    );
  });

  it('loses less than one unit by rounding, always to the payer', () => {
    fc.assert(
      fc.property(pricingArb, usageArb, (pricing, usage) => {
        const exactNano =
          BigInt(pricing.startPrice) * NANO +
          usage.reduce((total, value, index) => total + value * BigInt(pricing.coefficients[index]!), 0n);
        const lost = exactNano - cost(pricing, usageOf(usage)) * NANO;
        expect(lost).toBeGreaterThanOrEqual(0n);
        expect(lost).toBeLessThan(NANO);
      }),
    );
  });

  it('bills the sum of two usages at most one unit above the two alone', () => {
    fc.assert(
      fc.property(pricingArb, usageArb, usageArb, (pricing, a, b) => {
        const start = BigInt(pricing.startPrice);
        const together = cost(pricing, usageOf(a.map((value, index) => value + b[index]!))) - start;
        const apart = cost(pricing, usageOf(a)) - start + cost(pricing, usageOf(b)) - start;
        expect(together - apart).toBeGreaterThanOrEqual(0n);
        expect(together - apart).toBeLessThanOrEqual(1n);
      }),
    );
  });

  it('stops at the largest sum that can be written down', () => {
    const digits = '9'.repeat(39);
    const pricing: Pricing = {
      model: 'linear',
      platform: 'ledger',
      counters: ['x'],
      coefficients: [digits],
      startPrice: digits,
    };
    expect(cost(pricing, { x: digits })).toBe(MAX_AMOUNT);
  });

  it('refuses a price whose counters and coefficients do not pair up', () => {
    const pricing = {
      model: 'linear',
      platform: 'ledger',
      counters: ['x'],
      coefficients: [],
      startPrice: '0',
    } as const;
    expect(() => cost({ ...pricing, counters: ['x'], coefficients: [] }, {})).toThrow(
      expect.objectContaining({ code: 'ERR_PAYMENT_PRICING' }),
    );
  });
});

describe('amounts', () => {
  it('turns tokens into smallest units', () => {
    expect(unitsOf('1.5', 18)).toBe(1_500_000_000_000_000_000n);
    expect(unitsOf('0.10', 1)).toBe(1n);
    expect(unitsOf('9'.repeat(39), 0)).toBe(MAX_AMOUNT);
  });

  it.each([
    '',
    '1.',
    '.5',
    '-1',
    '1e3',
    '0x10',
    ' 1',
    '1,5',
    '1.23456',
    'NaN',
    '9'.repeat(36),
    '9'.repeat(40),
  ])('refuses %j as tokens of 4 decimals', (text) => {
    expect(() => unitsOf(text, 4)).toThrow(expect.objectContaining({ code: 'ERR_PAYMENT_AMOUNT' }));
  });

  it('writes no negative amount down', () => {
    expect(() => toAmount(-1n)).toThrow(expect.objectContaining({ code: 'ERR_PAYMENT_AMOUNT' }));
    expect(toAmount(MAX_AMOUNT + 1n)).toBe('9'.repeat(39));
  });
});
