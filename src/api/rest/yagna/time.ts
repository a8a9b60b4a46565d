import { invalid } from './errors.ts';

/** A moment as clients read it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Microseconds since the epoch, as text: the resolution of event cursors. */
export function isoMicros(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return iso(ms).replace(/Z$/, `${String(micros - ms * 1000).padStart(3, '0')}Z`);
}

/** The inverse; finer digits are cut off. Throws for what is no date. */
export function parseMicros(text: string): number {
  // A plus sign in a query is a space once it is decoded.
  const plain = text.replace(/ (?=\d\d:?\d\d$)/, '+');
  const match = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,12}))?(Z|[+-]\d\d:?\d\d)?$/i.exec(plain);
  const ms = Date.parse(match === null ? plain : `${match[1] ?? ''}${match[3] ?? 'Z'}`);
  if (Number.isNaN(ms)) throw invalid(`${text.slice(0, 64)} is no date`);
  return ms * 1000 + Number((match?.[2] ?? '').padEnd(6, '0').slice(0, 6));
}

/** Milliseconds since the epoch of a time that a client has sent. */
export function parseMs(text: string): number {
  return Math.floor(parseMicros(text) / 1000);
}

const MAX_SECONDS = 300;

/** The `timeout` of a query, in milliseconds. */
export function timeoutMs(text: string | undefined, defaultSeconds = 5): number {
  if (text === undefined || text === '') return defaultSeconds * 1000;
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0)
    throw invalid(`timeout must be seconds, not ${text.slice(0, 32)}`);
  return Math.min(seconds, MAX_SECONDS) * 1000;
}
