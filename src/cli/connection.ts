import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { isErgonError } from '../interface/errors.ts';
import { checker } from '../util/check.ts';
import { hasCode } from '../util/error-code.ts';
import { CliError } from './errors.ts';
import type { ClientEnvironment } from '../config/env.ts';

/** Which daemon is talked to, and with which key. */
export interface Connection {
  readonly url: string;
  /** Absent: the daemon will say that it needs one. */
  readonly appKey?: string;
  /** For messages: where the daemon was looked for. */
  readonly foundIn: string;
}

/** What the command line says of it. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly appKey?: string;
}

const checkApiFile = checker(Type.Object({ url: Type.String({ maxLength: 1024 }) }), 'api.json');

/** Flags, else the environment, else the files that a running daemon keeps in its data directory. */
export async function findDaemon(
  options: ConnectionOptions,
  environment: ClientEnvironment,
  dataDir: () => Promise<string>,
): Promise<Connection> {
  const url = options.url ?? environment.apiUrl;
  const appKey = options.appKey ?? environment.appKey;
  if (url !== undefined && appKey !== undefined) return { url: baseUrl(url), appKey, foundIn: url };
  const directory = await dataDir();
  const key = appKey ?? (await readIfThere(join(directory, 'app-key')));
  const keyed = key === undefined ? {} : { appKey: key };
  if (url !== undefined) return { url: baseUrl(url), ...keyed, foundIn: url };
  const text = await readIfThere(join(directory, 'api.json'));
  if (text === undefined) {
    throw new CliError(
      'ERR_CLI_DAEMON_NOT_RUNNING',
      `No daemon is running on the data directory ${directory}`,
      {
        dataDir: directory,
      },
    );
  }
  return { url: baseUrl(announcedUrl(text, directory)), ...keyed, foundIn: directory };
}

function announcedUrl(text: string, directory: string): string {
  try {
    return checkApiFile(JSON.parse(text)).url;
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !isErgonError(cause)) throw cause;
    throw new CliError(
      'ERR_CLI_FILE',
      `${join(directory, 'api.json')} is not what a daemon writes`,
      {},
      { cause },
    );
  }
}

function baseUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new CliError('ERR_CLI_ARGUMENT', `"${text}" is no URL like http://127.0.0.1:7465`, { url: text });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new CliError('ERR_CLI_FILE', `${path} cannot be read`, { path }, { cause });
  }
}
