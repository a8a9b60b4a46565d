import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExeScript } from '../../../src/interface/index.ts';
import { ActivityWorld, PROVIDER } from '../../support/activity-world.ts';
import { testIdentity } from '../../support/identities.ts';

const signal = new AbortController().signal;
const run = (entry: string): ExeScript => [{ run: { entry_point: entry } }];

describe('canceling a batch', () => {
  let world: ActivityWorld;

  beforeEach(async () => {
    world = new ActivityWorld();
    await world.start();
    await world.agree('agr');
    await world.wait(world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: {} }));
    const script: ExeScript = [{ deploy: {} }, { start: {} }, ...run('hold:x'), ...run('never')];
    await world.wait(world.requestor.exec('act', 'b1', script));
    await world.until('Running', async () => (await world.requestor.get('act'))?.state === 'Running');
  });
  afterEach(() => world.stop());

  const cancel = () => world.wait(world.requestor.cancelBatch('act', 'b1'));

  it('ends it with Error{Canceled}; the activity takes the next one', async () => {
    const canceled = await cancel();
    expect(canceled.finished).toBe(true);
    expect(canceled.results.map(({ result, reason }) => reason?.code ?? result)).toEqual([
      'Ok',
      'Ok',
      'Canceled',
    ]);
    expect(await cancel()).toEqual(canceled);
    await world.wait(world.requestor.exec('act', 'b2', run('next')));
    const next = await world.wait(world.requestor.waitBatch('act', 'b2', signal));
    expect(next.results).toMatchObject([{ result: 'Ok' }]);
    expect(world.machine.get('act').runs).toEqual(['hold:x', 'next']);
  });

  it('knows no other batch, and no other requestor', async () => {
    await expect(world.wait(world.requestor.cancelBatch('act', 'b9'))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_BATCH_NOT_FOUND',
    });
    const stranger = world.hub.join(testIdentity('stranger'));
    await stranger.start();
    const body = { activityId: 'act', batchId: 'b1' };
    const asked = stranger.request(PROVIDER.peerId, '/ergon/activity/1', 'cancel-batch', body);
    await expect(world.wait(asked)).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_NOT_FOUND' } });
    await stranger.stop();
    expect(world.machine.get('act').journal.at(-1)?.type).toBe('state');
  });

  it('is done once the provider’s daemon is back, when it was noted before it died', async () => {
    world.machine.onCall = (operation) => {
      if (operation === 'cancelBatch') throw new Error('no answer');
    };
    const asked = world.requestor.cancelBatch('act', 'b1');
    await world.until('noted', async () => {
      const events = await world.providerStore.events.query({ types: ['batch.cancel-requested'] });
      return events.length === 1;
    });
    await world.stopProvider();
    world.machine.onCall = () => undefined;
    await world.startProvider();
    expect((await world.wait(asked)).results.at(-1)?.reason?.code).toBe('Canceled');
  });
});
