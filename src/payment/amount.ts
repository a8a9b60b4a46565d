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
 * @throws PaymentError ERR_PAYMENT_AMOUNT for what is no decimal, or has more digits than the token has.
 * @example parseTokens('1.5', 18) === 1_500_000_000_000_000_000n
 */
export function parseTokens(text: string, decimals: number): bigint {
  const match = /^([0-9]{1,39})(?:\.([0-9]{1,39}))?$/.exec(text);
  const whole = match?.[1];
  if (whole === undefined)
    throw new PaymentError(
      'ERR_PAYMENT_AMOUNT',
      `Not a decimal number of tokens: ${JSON.stringify(text.slice(0, 64))}`,
    );
  const fraction = (match?.[2] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals)
    throw new PaymentError('ERR_PAYMENT_AMOUNT', `${text} has more than ${decimals} decimals`, { decimals });
  const sum = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (sum > MAX_AMOUNT)
    throw new PaymentError('ERR_PAYMENT_AMOUNT', `${text} tokens are more than an amount can hold`);
  return sum;
}

/** Smallest units as tokens, exactly and without trailing zeros. */
export function formatTokens(sum: bigint, decimals: number): string {
  const digits = sum.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
