import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buckets, save } from './support/fakes.ts';
import { activityRecord } from './support/samples.ts';
import { apiWorld, type ApiWorld } from './support/world.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
});
afterEach(() => world.stop());

const ask = (id: string, word: string, key: string) =>
  world.call('POST', `/v1/activities/${id}/${word}`, { key, body: {} });

describe('suspending and resuming over REST', () => {
  test('is done as what this node is in the activity, with an app-key for that', async () => {
    for (const [role, other] of [
      ['requestor', 'provider'],
      ['provider', 'requestor'],
    ] as const) {
      await save(world.store, buckets.activities, role, activityRecord(role, { role, state: 'Running' }));
      const refused = await ask(role, 'suspend', `key-${other}`);
      expect(refused.statusCode).toBe(403);
      expect(refused.json()).toMatchObject({ code: 'ERR_API_FORBIDDEN' });
      expect(world.changes).not.toContain(`suspend ${role} as ${role}`);
      const suspended = await ask(role, 'suspend', `key-${role}`);
      expect(suspended.json()).toMatchObject({ state: 'Suspended', holds: [role] });
      expect((await ask(role, 'resume', 'key-admin')).json()).toMatchObject({ state: 'Running' });
      expect(world.changes.slice(-2)).toEqual([`suspend ${role} as ${role}`, `resume ${role} as ${role}`]);
    }
  });

  test('of an unknown activity is not found', async () => {
    expect((await ask('nobody', 'suspend', 'key-admin')).statusCode).toBe(404);
  });
});
