import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
});
afterEach(() => world.stop());

const post = (url: string, body: object, key = 'key-provider') => world.call('POST', url, { key, body });

test('the provider is seen by all, and controlled with its scope', async () => {
  expect((await world.get('/v1/provider')).json()).toMatchObject({ mode: 'run', offers: 1 });
  for (const mode of ['pause', 'drain', 'run']) {
    expect((await post('/v1/provider', { mode })).json()).toMatchObject({ mode, effective: mode });
  }
  expect((await post('/v1/provider', { mode: 'stop' })).statusCode).toBe(400);
  expect((await post('/v1/provider', { mode: 'pause' }, 'key-requestor')).statusCode).toBe(403);
  expect((await post('/v1/provider/reload', {}, 'key-requestor')).statusCode).toBe(403);
  expect((await post('/v1/provider/reload', {})).json()).toEqual({
    applied: ['provider.presets'],
    restartNeeded: ['api.port'],
  });
  expect(world.changes).toEqual(['provider pause', 'provider drain', 'provider run', 'reload']);
});
