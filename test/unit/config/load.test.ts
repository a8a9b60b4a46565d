import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ConfigError,
  configFields,
  loadConfig,
  loadDataDir,
  secrets,
  type ConfigProblem,
} from '../../../src/config/index.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ergon-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const fileWith = (content: unknown, name = `${String(Math.random())}.json`): string => {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

function errorOf(init: Parameters<typeof loadConfig>[0]): ConfigError {
  try {
    loadConfig(init);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function problemsOf(init: Parameters<typeof loadConfig>[0]): readonly ConfigProblem[] {
  const error = errorOf(init);
  expect(error.code).toBe('ERR_CONFIG_INVALID');
  return error.detail['problems'] as readonly ConfigProblem[];
}

describe('loadConfig', () => {
  it('is complete and frozen without being told anything, with absolute paths', () => {
    const config = loadConfig({ env: {} });
    expect(config.dataDir).toBe(join(homedir(), '.ergon'));
    expect(config.identity.keystorePath).toBe(join(homedir(), '.ergon', 'keystore.json'));
    expect(config.network.listen).toEqual(['/ip4/0.0.0.0/tcp/7464']);
    expect(config.provider.hardware).toEqual({});
    for (const part of [
      config,
      config.network,
      config.network.listen,
      config.provider.presets[0],
      config.provider.presets[0]?.pricing,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('lets flags win over the environment, that over the file, that over defaults', () => {
    const file = fileWith({ api: { port: 1, host: 'file' }, name: 'file' });
    const env = { ERGON_API_PORT: '2', ERGON_API_HOST: 'env' };
    const config = loadConfig({ file, env, argvFlags: { 'api.port': '3' } });
    expect([config.api.port, config.api.host, config.name, config.subnet]).toEqual([
      3,
      'env',
      'file',
      'public',
    ]);
  });

  it('leaves the defaults of one call alone in the next', () => {
    const first = loadConfig({ env: {} });
    expect(loadConfig({ env: {} })).toEqual(first);
    expect(loadConfig({ env: { ERGON_NETWORK_LISTEN: '' } }).network.listen).toEqual([]);
  });

  it('reads lists, booleans, JSON and numbers from text', () => {
    const config = loadConfig({
      env: {
        ERGON_NETWORK_LISTEN: '/ip4/1.2.3.4/tcp/1, /ip4/1.2.3.4/tcp/2',
        ERGON_NETWORK_BOOTSTRAP: '["/ip4/1.2.3.4/tcp/3"]',
        ERGON_NETWORK_MDNS: 'false',
        ERGON_PROVIDER_WARM_POOL: '{"wasi":3}',
        ERGON_PROVIDER_HARDWARE_CPU_THREADS: '2',
      },
    });
    expect(config.network.listen).toEqual(['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/2']);
    expect(config.network.bootstrap).toEqual(['/ip4/1.2.3.4/tcp/3']);
    expect(config.network.mdns).toBe(false);
    expect(config.provider.warmPool).toEqual({ wasi: 3 });
    expect(config.provider.hardware).toEqual({ cpuThreads: 2 });
  });

  it('lists all problems at once, each with where it was set', () => {
    const file = fileWith({ api: { prot: 1, port: 70_000 }, log: 'loud', extra: {} });
    const found = problemsOf({
      file,
      env: { ERGON_NETWORK_MDNS: 'maybe', ERGON_TYPO: 'x', HOME: '/' },
      argvFlags: { 'log.level': 'loud', 'no.such': 1 },
    });
    expect(found.map(({ path, source }) => `${path} | ${source}`).sort()).toEqual(
      [
        `api.prot | file ${file}`,
        `api.port | file ${file}`,
        `log | file ${file}`,
        `extra | file ${file}`,
        'network.mdns | environment ERGON_NETWORK_MDNS',
        'ERGON_TYPO | environment',
        'log.level | flag --log-level',
        'no.such | flag',
      ].sort(),
    );
  });

  it.each([
    ['1e3', 'api.port'],
    ['0x10', 'api.port'],
    [' 7', 'api.port'],
    ['7.5', 'api.port'],
    ['', 'api.port'],
    ['1e-4', 'payment.ledger.creditLimit'],
    ['-1', 'payment.ledger.creditLimit'],
    ['[1', 'provider.warmPool'],
    ['a b', 'subnet'],
  ])('refuses %j for %s', (text, path) => {
    expect(problemsOf({ env: {}, argvFlags: { [path]: text } })).toMatchObject([{ path }]);
  });

  it('refuses names of the prototype as settings', () => {
    const file = fileWith('{"__proto__": {"x": 1}, "constructor": 1, "api": {"toString": 1}}');
    expect(problemsOf({ file, env: {} }).map(({ path }) => path)).toEqual([
      '__proto__',
      'constructor',
      'api.toString',
    ]);
  });

  it('holds presets against the runtimes, unless nobody wrote them', () => {
    const preset = { name: 'a', runtime: 'mock', pricing: { startPrice: '0.5', perCounter: {} } };
    const file = fileWith({ provider: { presets: [preset, preset] } });
    expect(problemsOf({ file, env: {} }).map(({ path }) => path)).toEqual([
      'provider.presets.0',
      'provider.presets.1',
      'provider.presets.1',
    ]);
    expect(loadConfig({ env: { ERGON_PROVIDER_RUNTIMES: 'mock' } }).provider.presets).toEqual([]);
  });

  it('reads <dataDir>/config.json only if it is there, and a named file always', () => {
    const dataDir = mkdtempSync(join(directory, 'data-'));
    expect(loadConfig({ env: { ERGON_DATA_DIR: dataDir } }).name).toBe('ergon');
    writeFileSync(join(dataDir, 'config.json'), '{"name":"mine"}');
    expect(loadConfig({ env: { ERGON_DATA_DIR: dataDir } }).name).toBe('mine');
    expect(loadConfig({ env: {}, argvFlags: { dataDir } }).name).toBe('mine');
    expect(errorOf({ file: join(directory, 'none.json'), env: {} }).code).toBe('ERR_CONFIG_FILE');
    expect(errorOf({ env: { ERGON_CONFIG: fileWith('{') } }).code).toBe('ERR_CONFIG_FILE');
    expect(problemsOf({ file: fileWith('[]'), env: {} })).toMatchObject([{ path: '(root)' }]);
  });

  it('keeps the passphrase out of the configuration', () => {
    const env = { ERGON_PASSPHRASE: 'secret words' };
    expect(JSON.stringify(loadConfig({ env }))).not.toContain('secret words');
    expect(secrets(env)).toEqual({ passphrase: 'secret words' });
    expect(secrets({})).toEqual({});
  });

  it('accepts the default of every setting as text too', () => {
    for (const field of configFields()) {
      if (field.default === undefined) continue;
      const text = typeof field.default === 'string' ? field.default : JSON.stringify(field.default);
      expect(loadConfig({ env: { [field.env]: text } })).toEqual(loadConfig({ env: {} }));
    }
  });
});

describe('loadDataDir', () => {
  it('finds what loadConfig finds', () => {
    const file = fileWith({ dataDir: '~/file' });
    const inits = [
      { env: {} },
      { env: {}, file },
      { env: { ERGON_CONFIG: file } },
      { env: { ERGON_DATA_DIR: 'env' }, file },
      { env: { ERGON_DATA_DIR: 'env' }, file, argvFlags: { dataDir: '/flag' } },
    ];
    const found = inits.map((init) => loadDataDir(init));
    expect(found).toEqual(inits.map((init) => loadConfig(init).dataDir));
    expect(found.slice(1)).toEqual([
      join(homedir(), 'file'),
      join(homedir(), 'file'),
      join(process.cwd(), 'env'),
      '/flag',
    ]);
  });

  it('needs nothing else of a configuration', () => {
    const file = fileWith({ dataDir: '/mine', api: { port: 'x' }, nonsense: 1 });
    expect(loadDataDir({ file, env: { ERGON_NONSENSE: '1' } })).toBe('/mine');
    const dataDir = mkdtempSync(join(directory, 'data-'));
    writeFileSync(join(dataDir, 'config.json'), '{"name":');
    expect(loadDataDir({ env: { ERGON_DATA_DIR: dataDir } })).toBe(dataDir);
    expect(loadDataDir({ env: { ERGON_DATA_DIR: dataDir, ERGON_CONFIG: '/none' } })).toBe(dataDir);
  });

  it('refuses a named file that cannot be read, and a directory that is none', () => {
    expect(() => loadDataDir({ file: fileWith('{'), env: {} })).toThrow(/is not JSON: /);
    expect(() => loadDataDir({ file: join(directory, 'none.json'), env: {} })).toThrow(/ENOENT/);
    expect(() => loadDataDir({ file: fileWith({ dataDir: 7 }), env: {} })).toThrow(/dataDir .*got 7/);
    expect(() => loadDataDir({ env: { ERGON_DATA_DIR: '' } })).toThrow(ConfigError);
  });
});
