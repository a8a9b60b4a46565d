import type { Properties } from '../interface/values.ts';
import { shorten } from '../util/shorten.ts';
import { MarketError } from './errors.ts';
import { findProperty } from './language/value.ts';

/** Typed reads of the properties that terms are made of. Each throws ERR_MARKET_TERMS naming the property. */

export function readString(properties: Properties, key: string): string {
  const value = findProperty(properties, key)?.value;
  if (typeof value !== 'string') throw wrong(key, value, 'a string');
  return value;
}

/** A list of strings. @throws MarketError ERR_MARKET_TERMS for anything else, and for no such property at all */
export function readStrings(properties: Properties, key: string): string[] {
  const value = findProperty(properties, key)?.value;
  if (!Array.isArray(value)) throw wrong(key, value, 'a list of strings');
  return value.map((item) => {
    if (typeof item !== 'string') throw wrong(key, value, 'a list of strings');
    return item;
  });
}

/** A number, or a decimal in a string: clients write both. Undefined when absent. */
export function readNumber(properties: Properties, key: string): number | undefined {
  const value = findProperty(properties, key)?.value;
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,16}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || number < 0) throw wrong(key, value, 'a number of 0 or more');
  return number;
}

/** A whole number from `min` to `max`. @throws MarketError ERR_MARKET_TERMS */
export function readInteger(
  properties: Properties,
  key: string,
  min: number,
  max: number,
): number | undefined {
  const number = readNumber(properties, key);
  if (number === undefined) return undefined;
  if (!Number.isSafeInteger(number) || number < min || number > max)
    throw wrong(key, number, `an integer from ${min} to ${max}`);
  return number;
}

/** The value of a property that must be there. */
export function required<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw wrong(key, undefined, 'there');
  return value;
}

/** ERR_MARKET_TERMS: the property is not what it must be. */
export function wrong(key: string, value: unknown, expected: string): MarketError {
  return new MarketError('ERR_MARKET_TERMS', `Property ${key} must be ${expected}, it is ${shorten(value)}`, {
    property: key,
    value: shorten(value),
    expected,
  });
}
