import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { problems } from '../util/check.ts';
import { hasCode } from '../util/error-code.ts';
import { errorMessage } from '../util/error-message.ts';
import { isRecord } from '../util/is-record.ts';
import type { Environment } from './env.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import type { ConfigField } from './fields.ts';
import { parseText } from './parse-text.ts';
import { DEFAULT_DATA_DIR } from './schema.ts';

/** Where settings come from: file < environment < flags. */
export interface LoadConfigInit {
  /** Settings from the command line by path (`api.port`); a text is read as one from the environment is. */
  readonly argvFlags?: Readonly<Record<string, unknown>>;
  /** Path of a JSON file; it must exist. Without it ERGON_CONFIG, then `<dataDir>/config.json` if there is one. */
  readonly file?: string;
  readonly env?: Environment;
}

/** What one source says of a setting, unchecked. */
export interface Setting {
  readonly value: unknown;
  readonly source: string;
}

/** A configuration file, parsed and not yet checked. */
export interface ConfigFile {
  readonly path: string;
  readonly content: unknown;
}

/** A file that somebody has named has to be there. */
export const namedFile = ({ file, env = process.env }: LoadConfigInit): string | undefined =>
  file ?? env['ERGON_CONFIG'];

/** The file that `init` names, or the one in the data directory if there is one. @throws ConfigError ERR_CONFIG_FILE */
export function readConfigFile(init: LoadConfigInit): ConfigFile | undefined {
  const { env = process.env, argvFlags = {} } = init;
  const named = namedFile(init);
  const flag = argvFlags['dataDir'];
  const dataDir = typeof flag === 'string' ? flag : (env['ERGON_DATA_DIR'] ?? DEFAULT_DATA_DIR);
  const path = named ?? join(expandHome(dataDir), 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const absent = hasCode(cause, 'ENOENT');
    if (absent && named === undefined) return undefined;
    throw unusable(path, 'cannot be read', cause);
  }
  try {
    return { path, content: JSON.parse(text) };
  } catch (cause) {
    throw unusable(path, 'is not JSON', cause);
  }
}

function unusable(path: string, what: string, cause: unknown): ConfigError {
  const why = errorMessage(cause);
  const message = `The configuration file ${path} ${what}: ${why}`;
  return new ConfigError('ERR_CONFIG_FILE', message, { path }, { cause });
}

/** What the first source says that says anything: flags, environment, file, default. */
export function settingOf(
  field: ConfigField,
  flags: Readonly<Record<string, unknown>>,
  env: Environment,
  file: ConfigFile | undefined,
): Setting | undefined {
  const flag = flags[field.path];
  if (flag !== undefined)
    return { value: typeof flag === 'string' ? parseText(field, flag) : flag, source: `flag ${field.flag}` };
  const variable = env[field.env];
  if (variable !== undefined)
    return { value: parseText(field, variable), source: `environment ${field.env}` };
  const inFile = memberAt(file?.content, field.path);
  if (file !== undefined && inFile !== undefined) return { value: inFile, source: `file ${file.path}` };
  return field.default === undefined
    ? undefined
    : { value: structuredClone(field.default), source: 'default' };
}

/** What is wrong with a setting, and where it was set. */
export function problemsOf(field: ConfigField, { value, source }: Setting): ConfigProblem[] {
  return problems(field.schema, value).map(({ path, expected, got }) => ({
    path: field.path + path.replaceAll('/', '.'),
    source,
    message: `${expected}, got ${got}`,
  }));
}

function memberAt(root: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined), root);
}

/** A leading `~` is the home directory of whoever runs this. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** As the rest of the program uses it: from the root, without `~`. */
export const absolutePath = (path: string): string => resolve(expandHome(path));
