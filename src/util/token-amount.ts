/**
 * Tokens as people write them ("1.5") and smallest units as the books hold them, without a float in between.
 * `decimals` is the power of ten of smallest units in a token.
 */
export function parseTokens(text: string, decimals: number): bigint | undefined {
  const match = /^(\d{1,39})(?:\.(\d{1,38}))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > decimals) return undefined;
  return BigInt(whole) * 10n ** BigInt(decimals) + BigInt(significant.padEnd(decimals, '0') || '0');
}

/** The shortest exact decimal: `1.5`, `0`, `0.000000000000000001`. */
export function formatTokens(units: bigint, decimals: number): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
