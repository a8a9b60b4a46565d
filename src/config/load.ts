import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { checker, problems } from '../util/check.ts';
import { deepFreeze } from '../util/deep-freeze.ts';
import { shorten } from '../util/shorten.ts';
import { OTHER_VARIABLES, type Environment } from './env.ts';
import { ConfigError, invalid, type ConfigProblem } from './errors.ts';
import { configFields, membersOf, type ConfigField } from './fields.ts';
import { parseText } from './parse-text.ts';
import { configSchema, DEFAULT_DATA_DIR, type Config } from './schema.ts';

export interface LoadConfigInit {
  /** Settings from the command line by path (`api.port`); a text is read as one from the environment is. */
  readonly argvFlags?: Readonly<Record<string, unknown>>;
  /** Path of a JSON file; it must exist. Without it ERGON_CONFIG, then `<dataDir>/config.json` if there is one. */
  readonly file?: string;
  readonly env?: Environment;
}

interface Setting {
  readonly value: unknown;
  readonly source: string;
}

const checkConfig = checker(configSchema, 'configuration');

/**
 * Defaults < file < environment < flags. Throws ConfigError ERR_CONFIG_INVALID with every problem at once, or
 * ERR_CONFIG_FILE. The result is frozen, its paths are absolute.
 */
export function loadConfig(init: LoadConfigInit = {}): Config {
  const env = init.env ?? process.env;
  const flags = init.argvFlags ?? {};
  const fields = configFields();
  const file = readFile(init, env, flags);
  const found: ConfigProblem[] = [
    ...unknownIn(file),
    ...unknownVariables(env, fields),
    ...unknownFlags(flags, fields),
  ];
  const settings = new Map<string, Setting>();
  for (const field of fields) {
    const setting = settingOf(field, flags, env, file);
    if (setting === undefined) continue;
    settings.set(field.path, setting);
    for (const { path, expected, got } of problems(field.schema, setting.value)) {
      found.push({
        path: field.path + path.replaceAll('/', '.'),
        source: setting.source,
        message: `${expected}, got ${got}`,
      });
    }
  }
  if (found.length === 0) found.push(...presetProblems(settings));
  if (found.length > 0) throw invalid(found);
  return deepFreeze(withAbsolutePaths(checkConfig(treeOf(settings))));
}

interface ConfigFile {
  readonly path: string;
  readonly content: unknown;
}

function readFile(
  init: LoadConfigInit,
  env: Environment,
  flags: LoadConfigInit['argvFlags'],
): ConfigFile | undefined {
  const named = init.file ?? env['ERGON_CONFIG'];
  const flag = flags?.['dataDir'];
  const dataDir = typeof flag === 'string' ? flag : (env['ERGON_DATA_DIR'] ?? DEFAULT_DATA_DIR);
  const path = named ?? join(expandHome(dataDir), 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (absent && named === undefined) return undefined;
    throw new ConfigError(
      'ERR_CONFIG_FILE',
      `The configuration file ${path} cannot be read`,
      { path },
      { cause },
    );
  }
  try {
    return { path, content: JSON.parse(text) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      'ERR_CONFIG_FILE',
      `The configuration file ${path} is not JSON: ${why}`,
      { path },
      { cause },
    );
  }
}

function settingOf(
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

function memberAt(root: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), root);
}

function unknownIn(file: ConfigFile | undefined): ConfigProblem[] {
  if (file === undefined) return [];
  const source = `file ${file.path}`;
  const walk = (schema: TSchema, value: unknown, path: string[]): ConfigProblem[] => {
    const members = membersOf(schema);
    if (members === undefined) return [];
    if (!isObject(value)) {
      return [
        {
          path: path.join('.') || '(root)',
          source,
          message: `must be an object of settings, got ${shorten(value)}`,
        },
      ];
    }
    return Object.entries(value).flatMap(([name, member]) => {
      const known = Object.hasOwn(members, name) ? members[name] : undefined;
      if (known === undefined) return [unknown([...path, name].join('.'), source)];
      return walk(known, member, [...path, name]);
    });
  };
  return walk(configSchema, file.content, []);
}

function unknownVariables(env: Environment, fields: readonly ConfigField[]): ConfigProblem[] {
  const known = new Set([...fields.map((field) => field.env), ...Object.keys(OTHER_VARIABLES)]);
  return Object.keys(env)
    .filter((name) => name.startsWith('ERGON_') && !known.has(name))
    .map((name) => unknown(name, 'environment'));
}

function unknownFlags(
  flags: Readonly<Record<string, unknown>>,
  fields: readonly ConfigField[],
): ConfigProblem[] {
  const known = new Set(fields.map((field) => field.path));
  return Object.keys(flags)
    .filter((path) => !known.has(path))
    .map((path) => unknown(path, 'flag'));
}

function unknown(path: string, source: string): ConfigProblem {
  return {
    path: shorten(path).slice(1, -1),
    source,
    message: 'is not a setting; docs/configuration.md lists all',
  };
}

/** The default presets stand for what may be enabled; only presets that someone wrote must fit the runtimes. */
function presetProblems(settings: ReadonlyMap<string, Setting>): ConfigProblem[] {
  const presets = settings.get('provider.presets');
  if (presets === undefined || presets.source === 'default') return [];
  const { provider } = checkConfig(treeOf(settings));
  const names = provider.presets.map(({ name }) => name);
  return provider.presets.flatMap(({ name, runtime }, at) => {
    const path = `provider.presets.${at}`;
    const { source } = presets;
    return [
      ...(names.indexOf(name) === at ? [] : [{ path, source, message: `there is a preset ${name} already` }]),
      ...(provider.runtimes.includes(runtime)
        ? []
        : [
            {
              path,
              source,
              message: `runtime ${runtime} is not among provider.runtimes (${provider.runtimes.join(', ')})`,
            },
          ]),
    ];
  });
}

function treeOf(settings: ReadonlyMap<string, Setting>): unknown {
  const root: Record<string, unknown> = {};
  for (const { path } of configFields()) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let at = root;
    for (const name of names) {
      const next = isObject(at[name]) ? at[name] : {};
      at[name] = next;
      at = next;
    }
    const setting = settings.get(path);
    if (setting !== undefined) at[last] = setting.value;
  }
  return root;
}

function withAbsolutePaths(config: ReturnType<typeof checkConfig>): Config {
  const dataDir = resolve(expandHome(config.dataDir));
  const within = (path: string): string => resolve(dataDir, expandHome(path));
  const { keystorePath, passphraseFile, chainId } = config.identity;
  const identity = { keystorePath: within(keystorePath), passphraseFile: within(passphraseFile), chainId };
  const { runtimes, presets } = config.provider;
  const provider = {
    ...config.provider,
    presets: presets.filter(({ runtime }) => runtimes.includes(runtime)),
  };
  return { ...config, dataDir, identity, provider };
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
