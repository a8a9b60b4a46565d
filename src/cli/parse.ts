import { DAY_MS } from '../util/durations.ts';
import { CliError } from './errors.ts';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
};

/** `256MiB`, `1.5GB`, `65536`. */
export function parseSize(text: string): number {
  const parsed = withUnit(text, SIZE_UNITS);
  if (parsed !== undefined) return parsed;
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no size; write 65536, 256MiB or 1.5GB`, { text });
}

/** `30s`, `2m`, `1.5h`, `250ms`. */
export function parseDuration(text: string): number {
  const parsed = withUnit(text, DURATION_UNITS);
  if (parsed !== undefined) return parsed;
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no duration; write 250ms, 30s, 2m, 1.5h or 7d`, {
    text,
  });
}

/** A whole number of up to 15 digits; throws ERR_CLI_ARGUMENT for anything else. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text)) return value;
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no whole number`, { text });
}

function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)$/i.exec(text);
  const factor = match?.[2] === undefined ? undefined : units[match[2].toLowerCase()];
  if (match === null || factor === undefined) return undefined;
  const value = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `registry/name@sha256:…`, or a name that the daemon's machine knows; also with `docker://` before it. */
export function parseImage(text: string): string {
  const image = text.replace(/^docker:\/\//, '');
  if (/^[a-z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?$/.test(image)) return image;
  throw new CliError(
    'ERR_CLI_ARGUMENT',
    `"${text}" is no name of an image, like alpine:3 or registry.example/tools/cc@sha256:… with 64 hexadecimal digits`,
    { text },
  );
}

/** `NAME=value`, collected over repeated options. */
export function parseEnv(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no NAME=value`, { text });
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** A list option that may be given more than once. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** `LOCAL:/guest`: the last colon before a slash divides, so that a local path may hold colons. */
export function parseInput(text: string): { local: string; guest: string } {
  const at = text.lastIndexOf(':/');
  if (at > 0) return { local: text.slice(0, at), guest: text.slice(at + 1) };
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no LOCAL:/path-in-the-activity`, { text });
}

/** `/guest:LOCAL`; `/guest` alone keeps the file's name in the working directory. */
export function parseOutput(text: string): { guest: string; local: string } {
  const at = text.indexOf(':');
  const guest = at < 0 ? text : text.slice(0, at);
  const local = at < 0 ? text.slice(text.lastIndexOf('/') + 1) : text.slice(at + 1);
  if (guest.startsWith('/') && guest.length > 1 && local !== '') return { guest, local };
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no /path-in-the-activity:LOCAL`, { text });
}

/** `HOST::GUEST`; `HOST` alone is seen under its own name. A trailing `:ro` makes it read-only. */
export function parseDirectory(text: string): { hostPath: string; guestPath: string; readOnly: boolean } {
  const readOnly = text.endsWith(':ro');
  const [hostPath = '', guestPath = hostPath, ...more] = (readOnly ? text.slice(0, -3) : text).split('::');
  if (hostPath === '' || guestPath === '' || more.length > 0) {
    throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no HOST::GUEST directory`, { text });
  }
  return { hostPath, guestPath, readOnly };
}
