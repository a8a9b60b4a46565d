import type { Pricing } from '../interface/market.ts';
import { MAX_AMOUNT } from './amount.ts';
import { PaymentError } from './errors.ts';

/** Counter → billionths of its unit. */
export type Usage = Readonly<Record<string, string>>;

const NANO = 1_000_000_000n;

/**
 * What one activity costs so far: `startPrice + Σ coefficient × usage`, in smallest units. The sum is exact and
 * rounded once, down: in the payer's favour. Each activity pays the start price once. A counter that was not
 * measured counts as 0; one without a price costs nothing.
 *
 * @throws PaymentError ERR_PAYMENT_PRICING when counters and coefficients do not pair up.
 */
export function cost(pricing: Pricing, usage: Usage): bigint {
  if (pricing.counters.length !== pricing.coefficients.length)
    throw new PaymentError(
      'ERR_PAYMENT_PRICING',
      `${pricing.counters.length} counters are priced by ${pricing.coefficients.length} coefficients`,
    );
  const nano = pricing.counters.reduce((sum, counter, index) => {
    const used = Object.hasOwn(usage, counter) ? usage[counter] : undefined;
    return sum + BigInt(pricing.coefficients[index] ?? '0') * BigInt(used ?? '0');
  }, 0n);
  const total = BigInt(pricing.startPrice) + nano / NANO;
  return total < MAX_AMOUNT ? total : MAX_AMOUNT;
}
