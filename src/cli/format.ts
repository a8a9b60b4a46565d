import { formatTokens } from '../util/token-amount.ts';

/** A payment platform's token, as GET /v1/node describes it. */
export interface Token {
  readonly platform: string;
  readonly symbol: string;
  readonly decimals: number;
}

/** Smallest units → `1.5 ERG`; an unknown platform's amount stays in its units. */
export function amount(units: string | bigint, platform: string, tokens: readonly Token[]): string {
  const token = tokens.find((candidate) => candidate.platform === platform);
  if (token === undefined) return `${units} units of ${platform}`;
  return `${formatTokens(BigInt(units), token.decimals)} ${token.symbol}`;
}

/** Local time in ISO 8601 with its offset: `2026-11-21T04:05:06.789+01:00`. */
export function time(at: number | undefined): string {
  if (at === undefined) return '-';
  const date = new Date(at);
  const offsetMinutes = -date.getTimezoneOffset();
  const sign = offsetMinutes < 0 ? '-' : '+';
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  const local = new Date(at + offsetMinutes * 60_000).toISOString().slice(0, -1);
  return `${local}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** What a removal gave back. */
export function freed({ blobs, freedBytes }: { blobs: number; freedBytes: number }): string {
  if (blobs === 0) return 'no file goes with it: others have its files, or they were gone';
  return `${files(blobs)}, ${bytes(freedBytes)} freed`;
}

export const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`);

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Binary units: `1.5 MiB`. */
export function bytes(value: number): string {
  const power = value < 1024 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${Number.isInteger(scaled) ? scaled : scaled.toFixed(1)} ${BYTE_UNITS[power] ?? 'B'}`;
}

/** `250 ms`, `1.5 s`; from a minute on the two largest units: `2h 5m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  return parts
    .filter(([value]) => value > 0)
    .slice(0, 2)
    .map(([value, unit]) => `${value}${unit}`)
    .join(' ');
}

/** Billionths of a counter's unit as a decimal. */
export function counter(nanoUnits: string): string {
  return formatTokens(BigInt(nanoUnits), 9);
}

/** Text of strangers on a terminal: nothing that could move the cursor or change colours. */
export function safe(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
