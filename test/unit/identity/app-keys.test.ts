import { beforeEach, describe, expect, test } from 'vitest';
import {
  allows,
  appKeyBucket,
  appKeys,
  SCOPES,
  withFixedAppKey,
  type AppKeys,
} from '../../../src/identity/index.ts';
import type { Store } from '../../../src/interface/store.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { newId } from '../../../src/util/id.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let store: Store;
let keys: AppKeys;

beforeEach(async () => {
  clock = new FakeClock();
  store = memoryStore({ clock });
  await store.start();
  keys = appKeys({ maxKeys: 3 }, { store, clock, newId });
});

describe('app-keys', () => {
  test('a key opens what its scopes name, and its books hold no key', async () => {
    const { key, record } = await keys.create({ name: 'ci', scopes: ['requestor'] });
    expect(await keys.authenticate(key)).toEqual({
      appKeyId: record.appKeyId,
      name: 'ci',
      scopes: ['requestor'],
    });
    const secret = key.slice(-43);
    expect(secret).toHaveLength(43);
    expect(JSON.stringify(await store.list(appKeyBucket))).not.toContain(secret);
    expect(JSON.stringify(await store.events.query({}))).not.toContain(secret);
    expect(JSON.stringify(await keys.list())).not.toContain(secret);
  });

  test('a key that is given opens too, beside those that were made, and is in no list', async () => {
    const holder = { appKeyId: 'given', name: 'given', scopes: ['requestor'] } as const;
    const both = withFixedAppKey(keys, { key: 'try_golem', holder });
    const { key } = await both.create({ name: 'ci', scopes: ['read'] });
    expect(await both.authenticate('try_golem')).toEqual(holder);
    expect(await both.authenticate(key)).toMatchObject({ name: 'ci' });
    for (const wrong of ['try_gole', 'try_golem2', ''])
      expect(await both.authenticate(wrong)).toBeUndefined();
    expect(await keys.authenticate('try_golem')).toBeUndefined();
    expect(await both.list()).toHaveLength(1);
  });

  test('a key keeps the web origins that it may be used from', async () => {
    const corsOrigins = ['https://app.example.com', 'http://localhost:5173'];
    const { key } = await keys.create({ name: 'page', scopes: ['requestor'], corsOrigins });
    expect(await keys.authenticate(key)).toMatchObject({ corsOrigins });
    expect(await keys.list()).toMatchObject([{ corsOrigins }]);
    await expect(
      keys.create({ name: 'page', scopes: ['read'], corsOrigins: ['app.example.com'] }),
    ).rejects.toMatchObject({ code: 'ERR_IDENTITY_APP_KEY_INVALID' });
  });

  test('any other key opens nothing', async () => {
    const { key, record } = await keys.create({ name: 'a', scopes: ['admin'] });
    const other = await keys.create({ name: 'b', scopes: ['read'] });
    const mixed = `ergon_${record.appKeyId}_${other.key.slice(-43)}`;
    const wrong = [
      '',
      'x',
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
      mixed,
      `ergon_none_${'A'.repeat(43)}`,
    ];
    for (const guess of wrong) expect(await keys.authenticate(guess)).toBeUndefined();
    expect(await keys.authenticate('ergon_'.repeat(100_000))).toBeUndefined();
  });

  test('an expired key is closed from that instant', async () => {
    const { key } = await keys.create({ name: 'a', scopes: ['read'], expiresAt: clock.now() + 1000 });
    await clock.advance(999);
    expect(await keys.authenticate(key)).toBeDefined();
    await clock.advance(1);
    expect(await keys.authenticate(key)).toBeUndefined();
    expect(await keys.list()).toHaveLength(1);
  });

  test('a revoked key is closed at once; revoking is idempotent', async () => {
    const { key, record } = await keys.create({ name: 'a', scopes: ['read'] });
    const revoked = await keys.revoke(record.appKeyId);
    await clock.advance(5);
    expect(await keys.revoke(record.appKeyId)).toEqual(revoked);
    expect(await keys.authenticate(key)).toBeUndefined();
    await expect(keys.revoke('nobody')).rejects.toMatchObject({ code: 'ERR_IDENTITY_APP_KEY_NOT_FOUND' });
    const types = (await store.events.query({})).map(({ type }) => type);
    expect(types).toEqual(['app-key.created', 'app-key.revoked']);
  });

  test('a request that is wrong makes no key', async () => {
    const wrong = [
      { name: '', scopes: ['read'] as const },
      { name: 'x'.repeat(65), scopes: ['read'] as const },
      { name: 'x', scopes: [] },
      { name: 'x', scopes: ['root' as 'read'] },
      { name: 'x', scopes: ['read'] as const, expiresAt: clock.now() },
    ];
    for (const request of wrong) {
      await expect(keys.create(request)).rejects.toMatchObject({ code: 'ERR_IDENTITY_APP_KEY_INVALID' });
    }
    for (const name of ['1', '2', '3']) await keys.create({ name, scopes: ['read'] });
    await expect(keys.create({ name: '4', scopes: ['read'] })).rejects.toThrow('too many');
    expect(await keys.list()).toHaveLength(3);
  });
});

test('what a scope allows', () => {
  const table = SCOPES.map((held) => [held, SCOPES.filter((needed) => allows([held], needed))]);
  expect(table).toEqual([
    ['read', ['read']],
    ['requestor', ['read', 'requestor']],
    ['provider', ['read', 'provider']],
    ['admin', ['read', 'requestor', 'provider', 'admin']],
  ]);
  expect(allows([], 'read')).toBe(false);
});
