import type { Properties } from '../../interface/values.ts';
import { compareDecimals, parseDecimal } from './decimal.ts';
import { parseDatetime } from './datetime.ts';
import { compareVersions, parseVersion } from './version.ts';

/** `d` decimal, `v` version, `t` datetime: how a key's suffix types a string. */
export type KeyType = 'd' | 'v' | 't';
export type PropertyValue = Properties[string];
export type Scalar = string | number | boolean;

/** A property, and the type that its key says. */
export interface FoundProperty {
  readonly value: PropertyValue;
  readonly type: KeyType | undefined;
}

function splitKey(key: string): { name: string; type: KeyType | undefined } {
  const match = /^(.+)@([dvt])$/s.exec(key);
  if (match?.[1] === undefined) return { name: key, type: undefined };
  return { name: match[1], type: match[2] === 'd' ? 'd' : match[2] === 'v' ? 'v' : 't' };
}

/**
 * Finds a property by the key of a term. The suffix may stand on the property (`price@d` is found as `price`), on the
 * term (which then types a plain string), or on both, when they must agree.
 */
export function findProperty(properties: Properties, key: string): FoundProperty | undefined {
  const { name, type } = splitKey(key);
  const types: readonly (KeyType | undefined)[] =
    type === undefined ? [undefined, 'd', 'v', 't'] : [type, undefined];
  for (const candidate of types) {
    const fullKey = candidate === undefined ? name : `${name}@${candidate}`;
    if (!Object.hasOwn(properties, fullKey)) continue;
    const value = properties[fullKey];
    if (value !== undefined) return { value, type: candidate ?? type };
  }
  return undefined;
}

/**
 * Order of a property's scalar and a literal: negative, zero, positive; undefined when the literal (or the property
 * itself) is not of the property's type.
 */
export function compareScalar(value: Scalar, type: KeyType | undefined, literal: string): number | undefined {
  if (typeof value === 'boolean') return compareBoolean(value, literal);
  if (typeof value === 'number' || type === 'd') {
    // A number is compared as the decimal that it is written as: 0.1 equals 0.1, whatever floats make of it.
    return type === 'v' || type === 't'
      ? undefined
      : compareParsed(parseDecimal, compareDecimals, String(value), literal);
  }
  if (type === 'v') return compareParsed(parseVersion, compareVersions, value, literal);
  if (type === 't') return compareParsed(parseDatetime, compareBigints, value, literal);
  return value < literal ? -1 : value > literal ? 1 : 0;
}

/** Only good for telling equal from not equal. */
function compareBoolean(value: boolean, literal: string): number | undefined {
  if (literal !== 'true' && literal !== 'false') return undefined;
  return String(value) === literal ? 0 : 1;
}

function compareParsed<T>(
  parse: (text: string) => T | undefined,
  compare: (a: T, b: T) => number,
  value: string,
  literal: string,
): number | undefined {
  const left = parse(value);
  const right = parse(literal);
  return left === undefined || right === undefined ? undefined : compare(left, right);
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `text` is the parts in this order with anything between them; linear in the text. */
export function matchesParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return position <= text.length - last.length;
}
