import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT_STATUS } from '../../../src/cli/exit-status.ts';
import { terminal } from './support/terminal.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ergon-doctor-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function configured(provider: object): string {
  const path = join(dir, 'config.json');
  const network = { listen: ['/ip4/127.0.0.1/tcp/0'] };
  writeFileSync(path, JSON.stringify({ dataDir: dir, api: { port: 0 }, network, provider }));
  return path;
}

test('doctor says for each thing whether it is well, and fails with what is not', async () => {
  const well = terminal();
  expect(await well.run('doctor', '--config', configured({ enabled: false }))).toBe(0);
  expect(well.stdout.text).toMatch(/^ok {4}disk: /m);
  expect(well.stdout.text).toMatch(/^ok {4}runtime wasi: limits /m);

  const ill = terminal();
  const config = configured({ runtimes: ['nope'], presets: [] });
  expect(await ill.run('doctor', '--config', config, '--json')).toBe(EXIT_STATUS.notValid);
  const { healthy, checks } = JSON.parse(ill.stdout.text);
  expect(healthy).toBe(false);
  expect(checks).toContainEqual({
    name: 'runtime nope',
    status: 'fail',
    message: 'there is no such runtime',
    remedy: expect.stringContaining('ergon runtime list'),
  });
});

test('a configuration that is not valid is said as everywhere', async () => {
  const screen = terminal();
  expect(await screen.run('doctor', '--config', configured({ maxAgreements: -1 }))).toBe(EXIT_STATUS.config);
  expect(screen.stderr.text).toContain('provider.maxAgreements');
});

test('runtimes are listed and tested', async () => {
  const list = terminal();
  expect(await list.run('runtime', 'list')).toBe(0);
  expect(list.stdout.text).toMatch(/^RUNTIME +VERSION[^]*^mock +1\.0\.0 +yes +none +signal, suspend/m);
  const passed = terminal();
  expect(await passed.run('runtime', 'test', 'mock')).toBe(0);
  expect(passed.stdout.text).toBe('mock: passed\n');
  const unknown = terminal();
  expect(await unknown.run('runtime', 'test', 'nope')).toBe(EXIT_STATUS.notFound);
  expect(unknown.stderr.text).toContain('there are docker, mock, wasi');
});
