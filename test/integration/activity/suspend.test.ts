import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExeScript } from '../../../src/interface/index.ts';
import { ActivityWorld, PROVIDER } from '../../support/activity-world.ts';
import { testIdentity } from '../../support/identities.ts';

const signal = new AbortController().signal;
const deployed: ExeScript = [{ deploy: {} }, { start: {} }];
const run = (entry: string): ExeScript => [{ run: { entry_point: entry } }];

describe('suspending an activity from either side', () => {
  let world: ActivityWorld;

  beforeEach(async () => {
    world = new ActivityWorld();
    await world.start();
    await world.agree('agr');
    await world.wait(world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: {} }));
  });
  afterEach(() => world.stop());

  const begin = async (): Promise<void> => {
    await world.wait(world.requestor.exec('act', 'b1', [...deployed, ...run('hold:x')]));
    await state('Running');
  };
  const state = (wanted: string) =>
    world.until(
      `${wanted} at the requestor`,
      async () => (await world.requestor.get('act'))?.state === wanted,
    );
  const suspend = () => world.wait(world.requestor.suspend('act'));
  const resume = () => world.wait(world.requestor.resume('act'));
  const batchEnds = async () => {
    world.machine.get('act').release('x');
    return world.wait(world.requestor.waitBatch('act', 'b1', signal));
  };

  it('is done by the requestor and seen by both, and the script goes on afterwards', async () => {
    await begin();
    expect(await suspend()).toMatchObject({ state: 'Suspended', holds: ['requestor'] });
    expect(await suspend()).toMatchObject({ state: 'Suspended' });
    const resumed = await resume();
    expect(resumed.state).toBe('Running');
    expect(resumed).not.toHaveProperty('holds');
    expect((await resume()).state).toBe('Running');
    expect((await batchEnds()).results.every(({ result }) => result === 'Ok')).toBe(true);
    for (const store of [world.providerStore, world.requestorStore]) {
      const events = await store.events.query({ subject: 'act', types: ['activity.state-changed'] });
      const seen = events.map(({ data }) => JSON.stringify(data));
      expect(seen.some((data) => data.includes('"state":"Suspended","holds":["requestor"]'))).toBe(true);
    }
  });

  it('is undone only by who did it', async () => {
    await begin();
    expect(await world.wait(world.provider.suspend('act'))).toMatchObject({ holds: ['provider'] });
    await state('Suspended');
    await expect(resume()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_HELD' });
    expect(await suspend()).toMatchObject({ holds: ['provider', 'requestor'] });
    await world.wait(world.provider.resume('act'));
    expect(world.machine.get('act').journal.at(-1)).toMatchObject({
      state: 'Suspended',
      holds: ['requestor'],
    });
    expect((await resume()).state).toBe('Running');
  });

  it('is refused where nothing runs, to strangers, and after the end', async () => {
    await expect(suspend()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ILLEGAL_COMMAND' });
    await world.wait(world.requestor.exec('act', 'b0', deployed));
    await world.wait(world.requestor.waitBatch('act', 'b0', signal));
    await expect(suspend()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ILLEGAL_COMMAND' });
    const stranger = world.hub.join(testIdentity('stranger'));
    await stranger.start();
    for (const kind of ['suspend', 'resume']) {
      const asked = stranger.request(PROVIDER.peerId, '/ergon/activity/1', kind, { activityId: 'act' });
      await expect(world.wait(asked)).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_NOT_FOUND' } });
    }
    await stranger.stop();
    await world.wait(world.requestor.destroy('act'));
    await state('Completed');
    await expect(suspend()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ENDED' });
    await expect(world.wait(world.provider.suspend('act'))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_ENDED',
    });
    await expect(world.wait(world.provider.suspend('none'))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_NOT_FOUND',
    });
  });

  it('survives the daemon, which goes on to bring about what was wished', async () => {
    await begin();
    world.machine.onCall = (operation) => {
      if (operation === 'suspend') throw new Error('engine does not answer');
    };
    const asked = world.provider.suspend('act');
    await world.until('noted', async () => {
      const events = await world.providerStore.events.query({ types: ['activity.suspend-requested'] });
      return events.length === 1;
    });
    await world.stopProvider();
    await expect(asked).rejects.toThrow();
    world.machine.onCall = () => undefined;
    await world.startProvider();
    await state('Suspended');
    await world.stopProvider();
    await world.startProvider();
    expect((await resumeByProvider()).state).toBe('Running');
  });
  const resumeByProvider = () => world.wait(world.provider.resume('act'));

  it('is given up, and said so, when the runtime cannot freeze', async () => {
    await begin();
    world.machine.get('act').suspends = false;
    await expect(suspend()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_SUSPEND_UNSUPPORTED' });
    await world.provider.setPaused(true);
    expect((await batchEnds()).finished).toBe(true);
  });

  it('holds all that a paused node runs, and what comes to it, until it is unpaused', async () => {
    await begin();
    expect(await world.provider.workingThreads()).toBe(1);
    await world.provider.setPaused(true);
    await state('Suspended');
    expect(await world.provider.workingThreads()).toBe(0);
    await world.agree('agr2');
    await world.wait(world.requestor.create({ activityId: 'act2', agreementId: 'agr2', limits: {} }));
    await world.until(
      'held from the start',
      async () => (await world.requestor.get('act2'))?.holds?.[0] === 'node',
    );
    await world.wait(world.requestor.exec('act2', 'b2', [...deployed, ...run('two')]));
    await expect(resume()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_HELD' });
    expect(world.machine.get('act2').runs).toEqual([]);
    await world.provider.setPaused(false);
    await state('Running');
    await world.wait(world.requestor.waitBatch('act2', 'b2', signal));
    expect(world.machine.get('act2').runs).toEqual(['two']);
  });

  it('can be ended while it is suspended', async () => {
    await begin();
    await suspend();
    await world.wait(world.requestor.destroy('act'));
    await state('Terminated');
    expect(await world.requestor.get('act')).not.toHaveProperty('holds');
  });

  it('tells the requestor at once when the provider is away, and nothing comes of it later', async () => {
    await begin();
    await world.stopProvider();
    await expect(suspend()).rejects.toMatchObject({ code: 'ERR_ACTIVITY_UNREACHABLE' });
    await world.startProvider();
    await world.until('reached again', async () => {
      const record = await world.requestor.get('act');
      return record?.unreachableSince === undefined;
    });
    expect((await world.requestor.get('act'))?.state).toBe('Running');
  });
});
