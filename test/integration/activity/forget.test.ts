import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dropResults, forgetActivities, usageSource } from '../../../src/activity/index.ts';
import type { ExeScript, JsonValue, Store } from '../../../src/interface/index.ts';
import { ActivityWorld, PROVIDER } from '../../support/activity-world.ts';

const signal = new AbortController().signal;
const SCRIPT: ExeScript = [
  { deploy: {} },
  { start: {} },
  { run: { entry_point: 'hello', args: ['out', 'put'] } },
  { terminate: {} },
];
const create = { activityId: 'act', agreementId: 'agr', limits: {} };

let world: ActivityWorld;
beforeEach(async () => {
  world = new ActivityWorld();
  await world.start();
  await world.agree('agr');
  await world.wait(world.requestor.create(create));
  await world.wait(world.requestor.exec('act', 'b1', SCRIPT));
  await world.wait(world.requestor.waitBatch('act', 'b1', signal));
  const isWhole = async () => (await world.requestor.readLog('act', 'stdout', 0, 1)).final;
  await world.until('the logs are whole', isWhole);
  await world.terminate('agr', 'requestor', { code: 'Done', message: 'done' });
});
afterEach(() => world.stop());

const forget = (store: Store, settledAt: number | undefined): Promise<number> =>
  forgetActivities(
    { logsDir: world.logsDir },
    { store, settledAt: async () => settledAt, alongside: () => Promise.resolve() },
  )(world.clock.now(), () => Promise.resolve());
/** With what the work directory's own retention takes. */
const forgetAll = async (): Promise<void> => {
  let forgotten = 0;
  await world.until(
    'both have forgotten it',
    async () => {
      for (const store of [world.providerStore, world.requestorStore]) forgotten += await forget(store, 1);
      return forgotten === 2;
    },
    24 * 3_600_000,
  );
};
const refused = (code: string): unknown => expect.objectContaining({ code });

it('an activity whose bills are open is forgotten by neither, however long ago it was', async () => {
  for (const store of [world.providerStore, world.requestorStore])
    expect(await forget(store, undefined)).toBe(0);
  expect((await world.requestor.batch('act', 'b1'))?.finished).toBe(true);
});

it('a forgotten activity is known to have been, and nothing more is done in it', async () => {
  const before = await world.requestor.get('act');
  expect(await readdir(world.logsDir)).toContain('act.stdout');
  await forgetAll();
  const { requestor, provider, requestorStore, providerStore } = world;
  expect(await requestor.get('act')).toEqual(before);
  expect(await readdir(world.logsDir)).toEqual([]);
  for (const store of [requestorStore, providerStore])
    expect(await usageSource.samples(store, 'act', 1, 10)).toEqual([]);
  expect(await world.wait(requestor.create(create))).toEqual(before);
  await world.wait(requestor.destroy('act'));
  await expect(requestor.exec('act', 'b2', SCRIPT)).rejects.toEqual(refused('ERR_ACTIVITY_ENDED'));
  await expect(requestor.suspend('act')).rejects.toEqual(refused('ERR_ACTIVITY_ENDED'));
  await expect(provider.suspend('act')).rejects.toEqual(refused('ERR_ACTIVITY_ENDED'));
  for (const side of [requestor, provider])
    await expect(side.readLog('act', 'stdout', 0, 1)).rejects.toEqual(refused('ERR_ACTIVITY_LOG_GONE'));
  expect(world.machine.creates).toBe(1);
});

it('a requestor whose books are older hears that its provider knows no more', async () => {
  await forgetAll();
  const ask = (kind: string, body: JsonValue) =>
    world.wait(world.requestorNetwork.request(PROVIDER.peerId, '/ergon/activity/1', kind, body));
  const seen = { afterSeq: 0, waitMs: 0, stdoutBytes: 0, stderrBytes: 0 };
  await expect(ask('updates', { activityId: 'act', ...seen })).rejects.toMatchObject({
    detail: { code: 'ERR_ACTIVITY_NOT_FOUND' },
  });
  const again = { activityId: 'act', batchId: 'b1', script: [{ deploy: {} }] };
  await expect(ask('exec', again)).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_ENDED' } });
  expect(world.machine.creates).toBe(1);
});

it('of one whose results are dropped the logs are gone at once, and the rest when its bills are settled', async () => {
  const { requestor, requestorStore } = world;
  await requestorStore.transact((tx) => dropResults(tx, 'act'));
  await expect(requestor.readLog('act', 'stdout', 0, 1)).rejects.toEqual(refused('ERR_ACTIVITY_LOG_GONE'));
  expect(await usageSource.samples(requestorStore, 'act', 1, 10)).not.toEqual([]);
  await forgetAll();
  expect(await readdir(world.logsDir)).toEqual([]);
});
