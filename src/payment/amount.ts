import { shorten } from '../util/shorten.ts';
import { parseTokens } from '../util/token-amount.ts';
import { PaymentError } from './errors.ts';

/** The largest sum that an `Amount` can write down. */
export const MAX_AMOUNT = 10n ** 39n - 1n;

/** Writes a sum down. Sums above MAX_AMOUNT stop there, on both sides alike. */
export function toAmount(sum: bigint): string {
  if (sum < 0n)
    throw new PaymentError('ERR_PAYMENT_AMOUNT', `An amount cannot be negative: ${sum}`, { sum: `${sum}` });
  return (sum < MAX_AMOUNT ? sum : MAX_AMOUNT).toString();
}

/**
 * Tokens as people write them, in smallest units, exactly.
 *
 * @throws PaymentError ERR_PAYMENT_AMOUNT for what is no decimal, has more digits than the token has, or is more than an
 * amount can hold.
 * @example unitsOf('1.5', 18) === 1_500_000_000_000_000_000n
 */
export function unitsOf(tokens: string, decimals: number): bigint {
  const units = parseTokens(tokens, decimals);
  if (units !== undefined && units <= MAX_AMOUNT) return units;
  throw new PaymentError(
    'ERR_PAYMENT_AMOUNT',
    `Not an amount of tokens with at most ${decimals} decimals: ${shorten(tokens)}`,
    { decimals },
  );
}
