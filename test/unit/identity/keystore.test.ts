import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeystore, type OpenedKeystore } from '../../../src/identity/index.ts';
import type { Logger } from '../../../src/interface/logger.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ergon-keystore-'));
  path = join(folder, 'deep', 'keystore.json');
});
afterEach(() => rm(folder, { recursive: true }));

const open = (passphrase = 'right', at = path): Promise<OpenedKeystore> =>
  openKeystore({ path: at, passphrase, scryptN: 2 }, { logger: silentLogger });

describe('the keystore', () => {
  test('is made on the first start, private to its owner, and opened on the next', async () => {
    const first = await open();
    expect(first.created).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'deep'))).toEqual(['keystore.json']);
    const second = await open();
    expect(second).toMatchObject({ created: false });
    expect(second.wallet.privateKey).toBe(first.wallet.privateKey);
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain(first.wallet.privateKey.slice(2));
    expect((await Wallet.fromEncryptedJson(text, 'right')).address).toBe(first.wallet.address);
  });

  test('with a wrong passphrase says so and stays as it is', async () => {
    await open();
    const before = await readFile(path, 'utf8');
    await expect(open('wrong')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PASSPHRASE' });
    await expect(open('')).rejects.toMatchObject({ code: 'ERR_IDENTITY_PASSPHRASE' });
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test('with any flipped digit or cut is told from a wrong passphrase, and stays as it is', async () => {
    await open();
    const whole = await readFile(path, 'utf8');
    const at = whole.indexOf('"ciphertext"') + 20;
    const flipped = whole.slice(0, at) + (whole[at] === 'a' ? 'b' : 'a') + whole.slice(at + 1);
    const version = whole.replace('"version": 3', '"version": 4');
    for (const bad of [flipped, version, whole.slice(0, 200), '', 'null', '[]', '{}', 'x'.repeat(70_000)]) {
      await writeFile(path, bad);
      await expect(open()).rejects.toMatchObject({ code: 'ERR_IDENTITY_KEYSTORE_DAMAGED' });
      expect(await readFile(path, 'utf8')).toBe(bad);
    }
  });

  test('is never replaced while it may exist', async () => {
    await mkdir(path, { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'ERR_IDENTITY_KEYSTORE_UNREADABLE' });
    const loop = join(folder, 'loop');
    await symlink(loop, loop);
    await expect(open('right', loop)).rejects.toMatchObject({ code: 'ERR_IDENTITY_KEYSTORE_UNREADABLE' });
  });

  test('of two first starts at once one makes it and both use it', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    expect(opened.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(opened.map(({ wallet }) => wallet.address)).size).toBe(1);
    expect(await readdir(join(folder, 'deep'))).toEqual(['keystore.json']);
  });

  test('of another program is taken as it is', async () => {
    const wallet = new Wallet(`0x${'42'.repeat(32)}`);
    await mkdir(join(folder, 'deep'));
    await writeFile(path, wallet.encryptSync('right'));
    expect((await open()).wallet.address).toBe(wallet.address);
  });

  test('that others may read is warned of', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, message) => void warnings.push(message) };
    await open();
    await chmod(path, 0o644);
    await openKeystore({ path, passphrase: 'right' }, { logger });
    expect(warnings).toEqual([expect.stringContaining('chmod 600')]);
  });

  test('that cannot be written says so', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(open('right', join(folder, 'file', 'keystore.json'))).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_IDENTITY_KEYSTORE_(WRITE|UNREADABLE)/) as string,
    });
  });
});
