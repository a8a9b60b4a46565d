import { resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { checker } from '../util/check.ts';
import { deepFreeze } from '../util/deep-freeze.ts';
import { isRecord } from '../util/is-record.ts';
import { shorten } from '../util/shorten.ts';
import { OTHER_VARIABLES, type Environment } from './env.ts';
import { invalid, type ConfigProblem } from './errors.ts';
import { configFields, membersOf, type ConfigField } from './fields.ts';
import { configSchema, type Config } from './schema.ts';
import {
  absolutePath,
  expandHome,
  problemsOf,
  readConfigFile,
  settingOf,
  type ConfigFile,
  type LoadConfigInit,
  type Setting,
} from './sources.ts';

const checkConfig = checker(configSchema, 'configuration');

/**
 * Defaults < file < environment < flags. Throws ConfigError ERR_CONFIG_INVALID with every problem at once, or
 * ERR_CONFIG_FILE. The result is frozen, its paths are absolute.
 */
export function loadConfig(init: LoadConfigInit = {}): Config {
  const { env = process.env, argvFlags: flags = {} } = init;
  const fields = configFields();
  const file = readConfigFile(init);
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
    found.push(...problemsOf(field, setting));
  }
  if (found.length === 0) found.push(...presetProblems(settings));
  if (found.length > 0) throw invalid(found);
  return deepFreeze(withAbsolutePaths(checkConfig(treeOf(settings))));
}

function unknownIn(file: ConfigFile | undefined): ConfigProblem[] {
  if (file === undefined) return [];
  const source = `file ${file.path}`;
  const walk = (schema: TSchema, value: unknown, path: string[]): ConfigProblem[] => {
    const members = membersOf(schema);
    if (members === undefined) return [];
    if (!isRecord(value)) {
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
      const next = isRecord(at[name]) ? at[name] : {};
      at[name] = next;
      at = next;
    }
    const setting = settings.get(path);
    if (setting !== undefined) at[last] = setting.value;
  }
  return root;
}

function withAbsolutePaths(config: ReturnType<typeof checkConfig>): Config {
  const dataDir = absolutePath(config.dataDir);
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
