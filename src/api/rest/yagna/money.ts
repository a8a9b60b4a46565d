import { formatTokens, parseTokens } from '../../../util/token-amount.ts';
import { invalid } from './errors.ts';

/**
 * Tokens as clients write them, also `1e-7` and with more digits than the token has, in smallest units. What is too
 * fine is cut off: a budget gets smaller by it, never larger.
 */
export function unitsOf(text: string, decimals: number): bigint {
  const match = /^\+?(\d{1,39})(?:\.(\d{0,60}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text.trim());
  if (match === null) throw invalid(`${text.slice(0, 64)} is no amount of tokens`);
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits.padEnd(Math.max(point, 0), '0');
  const at = Math.max(point, 0);
  const units = parseTokens(
    `${padded.slice(0, at).replace(/^0+(?=\d)/, '') || '0'}.${(padded.slice(at) + '0').slice(0, decimals)}`,
    decimals,
  );
  if (units === undefined) throw invalid(`${text.slice(0, 64)} is more than an amount can hold`);
  return units;
}

/** Smallest units as tokens, exactly. */
export function tokensOf(units: string, decimals: number): string {
  return formatTokens(BigInt(units), decimals);
}
