import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.ts';
import { diagnose, testRuntimes, type RuntimeView } from '../../../src/daemon/doctor/index.ts';
import {
  clockCheck,
  cpuCheck,
  dataDirectoryCheck,
  diskCheck,
  identityCheck,
  memoryCheck,
  openFilesCheck,
} from '../../../src/daemon/doctor/machine-checks.ts';
import { daemonCheck, portChecks } from '../../../src/daemon/doctor/port-checks.ts';
import { runtimeChecks } from '../../../src/daemon/doctor/runtimes.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ergon-doctor-'));
  chmodSync(dataDir, 0o700);
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const configOf = (argvFlags: Record<string, unknown> = {}) =>
  loadConfig({ argvFlags: { dataDir, 'api.port': 0, 'network.listen': [], ...argvFlags }, env: {} });

describe('what is looked at on the machine', () => {
  it('the data directory: its mode, and one that is not there yet', async () => {
    expect(await dataDirectoryCheck(configOf())).toMatchObject({ status: 'ok' });
    chmodSync(dataDir, 0o755);
    expect(await dataDirectoryCheck(configOf())).toMatchObject({
      status: 'warn',
      remedy: `chmod 700 ${dataDir}`,
    });
    const deep = configOf({ dataDir: join(dataDir, 'a/b/c') });
    expect((await dataDirectoryCheck(deep)).message).toContain('will be made');
  });

  it('more than there is to sell', async () => {
    const config = configOf({
      'provider.hardware.cpuThreads': 4096,
      'provider.hardware.storageBytes': Number.MAX_SAFE_INTEGER,
    });
    expect(cpuCheck(config)).toMatchObject({ status: 'warn' });
    expect(await diskCheck(config)).toMatchObject({ status: 'warn' });
    expect((await memoryCheck(configOf({ 'provider.enabled': false }))).message).not.toContain('sold');
    expect(await openFilesCheck()).toHaveProperty('status');
  });

  it('the clock: a year that is over, and whether anything keeps it', async () => {
    expect(await clockCheck(0)).toMatchObject({ status: 'fail' });
    const now = Date.UTC(2027, 0, 1);
    expect(await clockCheck(now, [join(dataDir, 'none')])).toMatchObject({ status: 'warn' });
    writeFileSync(join(dataDir, 'synchronized'), '');
    expect(await clockCheck(now, [join(dataDir, 'synchronized')])).toMatchObject({ status: 'ok' });
  });

  it('a keystore that others can read', async () => {
    const path = join(dataDir, 'keystore.json');
    expect((await identityCheck(configOf())).message).toContain('none yet');
    writeFileSync(path, '{}', { mode: 0o600 });
    expect(await identityCheck(configOf())).toMatchObject({ status: 'ok' });
    chmodSync(path, 0o644);
    expect(await identityCheck(configOf())).toMatchObject({ status: 'warn', remedy: `chmod 600 ${path}` });
  });
});

describe('the ports', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('that are taken by another program, or by the daemon itself', async () => {
    const config = configOf({ 'api.port': port, 'network.listen': [`/ip4/127.0.0.1/tcp/${port}`] });
    const taken = await portChecks(config, false);
    expect(taken.map(({ status }) => status)).toEqual(['fail', 'fail']);
    expect(taken[0]!.remedy).toContain('another port');
    expect((await portChecks(config, true)).map(({ status }) => status)).toEqual(['ok', 'ok']);
  });

  it('that are any, free, or of no address of this machine', async () => {
    const config = configOf({ 'network.listen': ['/ip4/127.0.0.1/tcp/0', '/ip4/203.0.113.7/tcp/7464'] });
    expect((await portChecks(config, false)).map(({ status }) => status)).toEqual(['ok', 'ok', 'fail']);
  });

  it('a daemon that ended without a word', async () => {
    expect((await daemonCheck(configOf())).isRunning).toBe(false);
    writeFileSync(join(dataDir, 'api.json'), JSON.stringify({ url: 'http://127.0.0.1:1' }));
    expect(await daemonCheck(configOf())).toMatchObject({ isRunning: false, check: { status: 'ok' } });
    writeFileSync(join(dataDir, 'api.json'), '{');
    expect((await daemonCheck(configOf())).isRunning).toBe(false);
  });
});

describe('the runtimes', () => {
  const view = (over: Partial<RuntimeView>): RuntimeView => ({
    name: 'wasi',
    version: '1.0.0',
    description: 'x',
    available: true,
    notes: [],
    properties: {},
    counters: ['golem.usage.cpu_sec'],
    supports: {
      signal: true,
      suspend: true,
      recover: false,
      cpuTimeLimit: true,
      memoryLimit: true,
      diskLimit: false,
      cpuShare: true,
      networks: false,
    },
    ...over,
  });

  it('says what is limited, what is not, and what would mend it', () => {
    const [found, note] = runtimeChecks(
      [view({ notes: ['no control groups: delegate one'] })],
      configOf({ 'provider.runtimes': ['wasi'] }),
    );
    expect(found).toMatchObject({
      status: 'ok',
      message: 'limits memory, its share of the CPU, CPU time; cannot limit storage; can be suspended',
    });
    expect(note).toMatchObject({ status: 'warn', message: 'no control groups: delegate one' });
    const [able] = runtimeChecks(
      [view({ capabilities: ['vpn'] })],
      configOf({ 'provider.runtimes': ['wasi'] }),
    );
    expect(able?.message).toMatch(/; can be in networks with other activities \(vpn\)$/);
    const [held] = runtimeChecks(
      [view({ diskHeldBy: 'looking' })],
      configOf({ 'provider.runtimes': ['wasi'] }),
    );
    expect(held?.message).toContain('; storage is held by looking; ');
  });

  it('fails only for a node that has nothing to sell', () => {
    const missing = view({ available: false, notes: ['no engine'] });
    const docker = view({ name: 'docker', available: false, notes: ['no engine'] });
    expect(runtimeChecks([view({}), docker], configOf())).toMatchObject([
      { name: 'runtime wasi', status: 'ok' },
      {
        name: 'runtime docker',
        status: 'warn',
        message: 'cannot run here: no engine (it is not offered)',
        remedy: expect.stringContaining('provider.runtimes'),
      },
    ]);
    const onlyWasi = configOf({ 'provider.runtimes': ['wasi'] });
    expect(runtimeChecks([missing], onlyWasi)).toMatchObject([{ status: 'fail' }]);
    expect(runtimeChecks([missing], configOf({ 'provider.enabled': false }))).toMatchObject([
      { status: 'ok' },
    ]);
    expect(runtimeChecks([], onlyWasi)).toMatchObject([{ name: 'runtime wasi', status: 'fail' }]);
  });

  it('can be tested one by one', async () => {
    expect(await testRuntimes(configOf(), 'mock')).toEqual([{ name: 'mock', outcome: 'passed' }]);
    await expect(testRuntimes(configOf(), 'none')).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_RUNTIME_UNKNOWN',
    });
  });
});

it('puts it all together, and changes nothing', async () => {
  const nowhere = join(dataDir, 'not', 'there');
  mkdirSync(join(dataDir, 'not'));
  const { healthy, checks, runtimes } = await diagnose(configOf({ dataDir: nowhere }));
  expect(healthy).toBe(checks.every(({ status }) => status !== 'fail'));
  const names = checks.map(({ name }) => name);
  for (const name of ['data directory', 'disk', 'memory', 'cpu', 'clock', 'daemon', 'port of the API']) {
    expect(names).toContain(name);
  }
  expect(runtimes.map(({ name }) => name)).toEqual(expect.arrayContaining(['mock', 'wasi']));
  expect((await dataDirectoryCheck(configOf({ dataDir: nowhere }))).message).toContain('will be made');
});
