import { PROPERTY, Properties } from '../../../../interface/index.ts';
import { checker } from '../../../../util/check.ts';
import { wholeFloat } from '../../../../util/whole-float.ts';
import { invalid } from '../errors.ts';
import type { Platforms } from '../platforms.ts';

type Value = Properties[string];
type Scalar = string | number | boolean;

const PLATFORM_KEY = /^(golem\.com\.payment\.platform\.)([a-z0-9-]{1,64})(\..+)$/;
const DECIMAL = '@d';
const CHOSEN = PROPERTY.chosenPlatform;
/** Schemes of URLs that this node itself transfers for its clients, by way of blobs. */
const BRIDGED = ['http', 'https', 'gftp'];
const MAX_PROPERTIES = 512;
const checkProperties = checker(Properties, 'demand');

/** An offer's properties as clients of Yagna read them: plain floats, no type suffixes, their platform names. */
export function toClient(properties: Properties, platforms: Platforms): Properties {
  const entries = Object.entries(properties).flatMap(([key, value]) => clientEntries(key, value, platforms));
  return Object.fromEntries(entries);
}

/**
 * The same for a reply: a decimal is written with a fraction also when it has none, as Yagna does. Python's clients tell
 * 0.0 from 0, and take no offer with the latter.
 */
export function toReply(properties: Properties, platforms: Platforms): Readonly<Record<string, unknown>> {
  const decimals = Object.entries(properties).flatMap(([key, value]) =>
    key.endsWith(DECIMAL) ? [[key.slice(0, -DECIMAL.length), asFloats(value)] as const] : [],
  );
  return { ...toClient(properties, platforms), ...Object.fromEntries(decimals) };
}

function clientEntries(key: string, value: Value, platforms: Platforms): [string, Value][] {
  const [, name = key, type] = /^(.+)@([dvt])$/s.exec(key) ?? [];
  if (type !== undefined) return [[name, type === 'd' ? asNumbers(value) : value]];
  const [, before = '', platform, after = ''] = PLATFORM_KEY.exec(key) ?? [];
  if (platform !== undefined)
    return platforms.namesOf(platform).map((alias) => [before + alias + after, value]);
  if (key === PROPERTY.transferProtocols && Array.isArray(value))
    return [[key, [...new Set([...value, ...BRIDGED])]]];
  return [[key, value]];
}

function asNumbers(value: Value): Value {
  const number = (item: Scalar): Scalar => (typeof item === 'string' ? Number(item) : item);
  return Array.isArray(value) ? value.map(number) : number(value);
}

function asFloats(value: Value): unknown {
  const float = (item: Scalar): unknown =>
    Number.isInteger(Number(item)) ? wholeFloat(Number(item)) : Number(item);
  return Array.isArray(value) ? value.map(float) : float(value);
}

/**
 * What a client asks for, as flat properties of ours; nested objects are flattened, as Yagna does.
 * @throws YagnaError, CheckError for what the market has no place for
 */
export function fromClient(given: Readonly<Record<string, unknown>>, platforms: Platforms): Properties {
  const properties = Object.fromEntries(
    flat(given, '').map(([key, value]): [string, Value] => [
      ourKey(key, platforms),
      ourValue(key, value, platforms),
    ]),
  );
  const chosen = properties[CHOSEN] ?? onlyPlatform(properties);
  return checkProperties(chosen === undefined ? properties : { ...properties, [CHOSEN]: chosen });
}

function onlyPlatform(properties: Properties): string | undefined {
  const named = Object.keys(properties).flatMap((key) => PLATFORM_KEY.exec(key)?.[2] ?? []);
  return new Set(named).size === 1 ? named[0] : undefined;
}

/** The key of a property in ours, also within a constraint. */
export function ourKey(key: string, platforms: Platforms): string {
  const [, before, platform, after] = PLATFORM_KEY.exec(key) ?? [];
  if (before === undefined || platform === undefined || after === undefined) return key;
  return before + (platforms.find(platform)?.platform ?? platform) + after;
}

function ourValue(key: string, value: Value, platforms: Platforms): Value {
  return key === CHOSEN && typeof value === 'string' ? (platforms.find(value)?.platform ?? value) : value;
}

/** Nested objects as dotted keys. @throws YagnaError for what is no value of the market */
export function flat(given: object, prefix: string, depth = 0): [string, Value][] {
  if (depth > 16) throw invalid(`${prefix} is nested too deeply`);
  const found = Object.entries(given).flatMap(([name, value]: [string, unknown]): [string, Value][] => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (value === null || value === undefined) return [];
    if (isScalar(value)) return [[key, value]];
    if (Array.isArray(value) && value.every(isScalar)) return [[key, value]];
    if (typeof value === 'object' && !Array.isArray(value)) return flat(value, key, depth + 1);
    throw invalid(`The property ${key.slice(0, 256)} is no value of the market`);
  });
  if (found.length > MAX_PROPERTIES) throw invalid(`More than ${MAX_PROPERTIES} properties`);
  return found;
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
