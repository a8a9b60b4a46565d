import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT_STATUS } from '../../../src/cli/exit-status.ts';
import { begunPathOf } from '../../../src/store/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { terminal } from './support/terminal.ts';

const folder = temporaryFolder();
const check = async (...options: string[]): Promise<{ status: number; text: string }> => {
  const screen = terminal();
  const status = await screen.run('store', 'check', '--data-dir', folder(), ...options);
  return { status, text: screen.stdout.text };
};

describe('store check where there are no books', () => {
  test('says that there are none yet', async () => {
    const { status, text } = await check();
    expect(status).toBe(EXIT_STATUS.ok);
    expect(text).toContain('none yet');
    expect(text).not.toContain('NO');
    expect(JSON.parse((await check('--json')).text)).toEqual({
      directory: join(folder(), 'store'),
      ok: true,
      begun: false,
    });
  });

  test('says that they are gone when there have been some', async () => {
    writeFileSync(begunPathOf(join(folder(), 'keystore.json'), '0x1'), 'store s\n');
    const { status, text } = await check();
    expect(status).toBe(EXIT_STATUS.notValid);
    expect(text).toMatch(/NO[^]*are gone[^]*ERR_STORE_MISSING/);
  });

  test('does not guess when a broken configuration hides where it would be noted', async () => {
    writeFileSync(join(folder(), 'config.json'), '{');
    expect(await check()).toMatchObject({
      status: EXIT_STATUS.notValid,
      text: expect.stringContaining('ERR_STORE_MISSING') as unknown,
    });
  });
});

test.each([
  ['init', '/proc/ergon', /dataDir .*\/proc\/ergon cannot be made: E(NOENT|ACCES)/],
  ['daemon', '/proc/ergon', /dataDir .*\/proc\/ergon cannot be made: E(NOENT|ACCES)/],
  ['init', '/proc', /identity\.passphraseFile .*\/proc\/\S+ cannot be made: E(NOENT|ACCES)/],
])('%s ends where there can be no data directory: %s', async (command, dataDir, message) => {
  const screen = terminal();
  expect(await screen.run(command, '--data-dir', dataDir)).toBe(EXIT_STATUS.config);
  expect(screen.stderr.text).toMatch(message);
});
