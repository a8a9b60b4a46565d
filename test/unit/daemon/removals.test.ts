import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  activities,
  batches,
  batchKey,
  blobGrants,
  grantKey,
  supervisions,
} from '../../../src/activity/records.ts';
import { packageBucket, packageNameBucket, packageNameKey } from '../../../src/api/package-bucket.ts';
import { batchNoteBucket, batchNoteKey } from '../../../src/api/rest/yagna/activity/records.ts';
import { pendingRemovals } from '../../../src/daemon/removals.ts';
import { MIGRATIONS } from '../../../src/daemon/migrations.ts';
import type { ActivityRecord, TaskRecord } from '../../../src/interface/index.ts';
import { taskBucket } from '../../../src/task/index.ts';
import { specOf } from '../../support/exe-units.ts';
import { Fuse } from '../../support/fuse.ts';
import { activityRecord, attempt, PROVIDER } from '../api/support/samples.ts';
import { RemovalsWorld, taskOf } from './removals-world.ts';

let world: RemovalsWorld;
beforeEach(async () => {
  world = await RemovalsWorld.start();
});
afterEach(() => world.stop());

const nothing = { removed: false, blobs: 0, freedBytes: 0 };

/** An activity that has put out the blob. */
async function maker(hash: string, activityId: string, over: Partial<ActivityRecord> = {}): Promise<void> {
  await world.put(activities, activityId, activityRecord(activityId, { state: 'Completed', ...over }));
  const result = {
    index: 0,
    result: 'Ok' as const,
    startedAt: 1,
    finishedAt: 2,
    blob: { hash, sizeBytes: 1 },
  };
  const script = [{ transfer: { from: 'container:/x', to: 'blob:' } }];
  const batch = { batchId: 'b', activityId, script, results: [result], finished: true, createdAt: 1 };
  await world.put(batches, batchKey(activityId, 'b'), batch);
}

describe('removing a task', () => {
  it('takes its record, its logs and its files, gives its money back, and is done after the first time', async () => {
    const [program, input, output] = await Promise.all(
      ['program', 'in', 'out'].map((text) => world.blob(text)),
    );
    await world.task('t', { package: program!, inputs: [input!], outputs: [output!] });
    await maker(output!, 'activity-t', { agreementId: 'agreement-t' });
    expect(await world.removals().task('t')).toEqual({ removed: true, blobs: 3, freedBytes: 12 });
    expect(await world.store.get(taskBucket, 't')).toBeUndefined();
    expect(world.blobs.usage().count).toBe(0);
    expect(await world.logs()).toEqual([]);
    expect(world.released).toEqual(['of-t']);
    expect(await world.store.list(pendingRemovals)).toEqual([]);
    expect(await world.store.events.query({ subject: 't' })).toMatchObject([{ type: 'task.removed' }]);
    expect(await world.removals().task('t')).toEqual(nothing);
  });

  it('leaves what another task, a package or an activity has to do with', async () => {
    const program = await world.package('program');
    const input = await world.blob('in');
    const [mine, shared, byHand] = [
      await world.blob('mine'),
      await world.blob('shared'),
      await world.blob('by hand'),
    ];
    await world.task('t', { package: program, inputs: [input], outputs: [mine, shared, byHand] });
    await world.task('other', { package: program, inputs: [input], outputs: [shared] });
    await maker(byHand, 'by-hand');
    await world.remote('by-hand', 'agreement-by-hand');
    expect(await world.removals().task('t')).toEqual({ removed: true, blobs: 1, freedBytes: 4 });
    expect(
      await Promise.all([program, input, shared, byHand].map((hash) => world.isHere(hash))),
    ).not.toContain(false);
    // What only tasks have named goes with the last of them.
    expect(await world.removals().task('other')).toMatchObject({ blobs: 2 });
    expect(await world.isHere(program)).toBe(true);
  });

  it('counts no output of a task that was removed before', async () => {
    const output = await world.blob('out');
    for (const id of ['t', 'u']) {
      await world.task(id, { package: output, outputs: [output] });
      await maker(output, `activity-${id}`, { agreementId: `agreement-${id}` });
    }
    expect(await world.removals().task('t')).toMatchObject({ blobs: 0 });
    expect(await world.removals().task('u')).toMatchObject({ blobs: 1 });
  });

  it.each<[string, Partial<TaskRecord>, string]>([
    ['runs', { state: 'InProgress' }, 'ERR_TASK_NOT_OVER'],
    ['waits', { state: 'Queued', attempts: [] }, 'ERR_TASK_NOT_OVER'],
    ['is being closed', { attempts: [attempt(1, { phase: 'Closing' })] }, 'ERR_TASK_NOT_SETTLED'],
    [
      'has an earlier attempt that is not paid',
      { attempts: [attempt(1, { phase: 'Settling' }), attempt(2, { phase: 'Done' })] },
      'ERR_TASK_NOT_SETTLED',
    ],
  ])('refuses one that %s, and changes nothing', async (_what, over, code) => {
    const output = await world.blob('out');
    await world.task('t', { package: output, outputs: [output] }, over);
    await expect(world.removals().task('t')).rejects.toMatchObject({ code });
    expect(await world.store.get(taskBucket, 't')).toBeDefined();
    expect(await world.isHere(output)).toBe(true);
    expect(await world.logs()).toHaveLength(1);
    expect(world.released).toEqual([]);
  });
});

describe('removing a package', () => {
  it('takes its file and its names, whatever was run of it, and is done after the first time', async () => {
    const hash = await world.package('program');
    const other = await world.package('other');
    for (const [name, of] of [
      ['a', hash],
      ['b', hash],
      ['c', other],
    ] as const)
      await world.put(packageNameBucket, packageNameKey(name), { name, hash: of });
    await world.task('t', { package: hash });
    expect(await world.removals().package(hash)).toEqual({ removed: true, blobs: 1, freedBytes: 7 });
    expect(await world.isHere(hash)).toBe(false);
    expect((await world.store.list(packageBucket)).map(({ id }) => id)).toEqual([other]);
    expect((await world.store.list(packageNameBucket)).map(({ value }) => value.name)).toEqual(['c']);
    expect(await world.removals().package(hash)).toEqual(nothing);
    expect(await world.isHere(other)).toBe(true);
  });

  it('leaves the file while it is a result of a task', async () => {
    const hash = await world.package('program');
    await world.task('t', { package: hash, outputs: [hash] });
    expect(await world.removals().package(hash)).toEqual({ removed: true, blobs: 0, freedBytes: 0 });
    expect(await world.isHere(hash)).toBe(true);
    expect(await world.removals().task('t')).toMatchObject({ blobs: 1 });
  });

  it('is refused while something that is not over needs it', async () => {
    const hash = await world.package('program');
    const refused = async (who: string): Promise<void> => {
      await expect(world.removals().package(hash), who).rejects.toMatchObject({
        code: 'ERR_TRANSFER_IN_USE',
        message: expect.stringContaining(who),
      });
      expect(await world.store.get(packageBucket, hash)).toBeDefined();
    };
    await world.put(taskBucket, 't', taskOf('t', { package: hash }, { state: 'Queued' }));
    await refused('task t');
    await world.put(taskBucket, 't', taskOf('t', { package: hash }));

    const bought = { activityId: 'bought', hash, address: PROVIDER };
    await world.put(activities, 'bought', activityRecord('bought'));
    await world.put(blobGrants, grantKey('bought', hash), bought);
    await refused('activity bought');
    await world.store.transact(async (tx) => tx.delete(blobGrants, grantKey('bought', hash)));

    const sold = activityRecord('sold', { role: 'provider' });
    const supervision = { activityId: 'sold', spec: specOf('sold'), openBatches: ['b'], failed: false };
    const needs = [{ batchId: 'b', index: 0, hash }];
    await world.put(activities, 'sold', sold);
    await world.put(supervisions, 'sold', { ...supervision, needs, pulledBytes: 0, disposed: false });
    await refused('activity sold');
    await world.put(supervisions, 'sold', { ...supervision, needs: [], pulledBytes: 0, disposed: false });
    await world.put(activities, 'sold', { ...sold, package: { hash, sizeBytes: 7 } });
    await refused('activity sold');
    await world.put(activities, 'sold', activityRecord('sold', { role: 'provider', state: 'Completed' }));

    expect(await world.removals().package(hash)).toMatchObject({ removed: true, blobs: 1 });
  });
});

describe('removing a blob', () => {
  it('takes an input that is not used, or only by what is over', async () => {
    const [unused, used] = [await world.blob('unused'), await world.blob('used')];
    await world.task('t', { package: used, inputs: [used] });
    for (const hash of [unused, used]) {
      expect(await world.removals().blob(hash)).toMatchObject({ removed: true, blobs: 1 });
      expect(await world.isHere(hash)).toBe(false);
      expect(await world.removals().blob(hash)).toEqual(nothing);
    }
  });

  it('is refused for what something is made of, and says of what', async () => {
    const program = await world.package('program');
    const output = await world.blob('out');
    await world.task('t', { package: program, outputs: [output] });
    for (const [hash, who] of [
      [program, 'package'],
      [output, 'task t'],
    ] as const)
      await expect(world.removals().blob(hash)).rejects.toMatchObject({
        code: 'ERR_TRANSFER_IN_USE',
        message: expect.stringContaining(`part of ${who}`),
      });
    const held = await world.blob('held');
    const release = world.blobs.hold(held);
    await expect(world.removals().blob(held)).rejects.toMatchObject({ code: 'ERR_TRANSFER_IN_USE' });
    release();
    expect(await world.removals().blob(held)).toMatchObject({ removed: true });
  });

  it('waits for the end of an activity that has put it out, of its task, and of its delivery to a client', async () => {
    const output = await world.blob('out');
    await world.remote('a', 'agreement-a');
    const refused = (): Promise<void> =>
      expect(world.removals().blob(output)).rejects.toMatchObject({
        code: 'ERR_TRANSFER_IN_USE',
        message: expect.stringContaining('needed'),
      });
    await maker(output, 'a', { state: 'Running', agreementId: 'agreement-a' });
    await refused();
    await world.put(
      activities,
      'a',
      activityRecord('a', { state: 'Terminated', agreementId: 'agreement-a' }),
    );
    // Its results are being collected.
    await world.put(
      taskBucket,
      'a',
      taskOf('a', { package: await world.blob('p') }, { state: 'InProgress' }),
    );
    await refused();
    await world.put(taskBucket, 'a', taskOf('a', { package: await world.blob('p') }));
    const note = {
      ...{ activityId: 'a', batchId: 'b', commands: [], deliveries: [], createdAt: 1 },
      ...{ state: 'Handed' as const, starts: { stdout: 0, stderr: 0 } },
    };
    await world.put(batchNoteBucket, batchNoteKey('a', 'b'), note);
    await refused();
    await world.put(batchNoteBucket, batchNoteKey('a', 'b'), { ...note, state: 'Done' });
    expect(await world.removals().blob(output)).toMatchObject({ removed: true });
  });
});

describe('a kill in the middle of a removal', () => {
  /** Two tasks that share a file, and the package of one. */
  async function fill(fresh: RemovalsWorld): Promise<{ program: string; mine: string; shared: string }> {
    const [program, mine, shared] = [
      await fresh.package('program'),
      await fresh.blob('mine'),
      await fresh.blob('shared'),
    ];
    await fresh.task('t', { package: program, inputs: [shared], outputs: [mine] });
    await fresh.task('other', { package: program, outputs: [shared] });
    return { program, mine, shared };
  }

  it.each(['task', 'package'] as const)(
    'of a %s leaves all of it, or what the next start completes',
    async (what) => {
      const seen = { untouched: 0, completed: 0 };
      for (let calls = 0, blown = true; blown; calls += 1) {
        for (const after of [false, true]) {
          const fresh = await RemovalsWorld.start();
          const { program, mine, shared } = await fill(fresh);
          const fuse = new Fuse({ calls, after });
          const { blobs } = fresh;
          const dying = fresh.removals({
            store: fuse.store(fresh.store),
            blobs: {
              stat: (hash) => fuse.through(() => blobs.stat(hash)),
              delete: (hash, isUsed) => fuse.through(() => blobs.delete(hash, isUsed)),
            },
          });
          await (what === 'task' ? dying.task('t') : dying.package(program)).catch(() => undefined);
          blown = fuse.blown;
          await fresh.removals().start();
          const [goes, stays] = what === 'task' ? [mine, program] : [program, mine];
          const bucket = what === 'task' ? taskBucket : packageBucket;
          const record = await fresh.store.get<unknown>(bucket as never, what === 'task' ? 't' : program);
          expect(await fresh.isHere(goes)).toBe(record !== undefined);
          expect([await fresh.isHere(stays), await fresh.isHere(shared)]).toEqual([true, true]);
          expect(await fresh.logs()).toHaveLength(what === 'task' && record === undefined ? 1 : 2);
          expect(await fresh.store.list(pendingRemovals)).toEqual([]);
          seen[record === undefined ? 'completed' : 'untouched'] += 1;
          await fresh.stop();
        }
      }
      expect(seen.untouched).toBeGreaterThan(2);
      expect(seen.completed).toBeGreaterThan(4);
    },
  );
});

it('starts although something cannot be deleted, and tries again at the next start', async () => {
  const hash = await world.blob('p');
  await world.put(pendingRemovals, 'task/t', { logs: [], blobs: [hash], isAsked: false });
  const broken = async (): Promise<never> => Promise.reject(new Error('disk'));
  await world.removals({ blobs: { stat: broken, delete: broken } }).start();
  expect(await world.store.list(pendingRemovals)).toHaveLength(1);
  await world.removals().start();
  expect(await world.isHere(hash)).toBe(false);
});

it('finds the blobs of tasks that an earlier release has written', async () => {
  const hash = await world.blob('p');
  const { name, check } = taskBucket;
  await world.put({ name, check }, 't', taskOf('t', { package: hash }, { state: 'Queued' }));
  const found = () => world.store.list(taskBucket, { where: { index: 'blob', equals: hash } });
  expect(await found()).toEqual([]);
  for (const { run } of MIGRATIONS) await world.store.transact(run);
  expect(await found()).toHaveLength(1);
});

it('tells how many tasks that are not over need a package', async () => {
  const hash = await world.blob('p');
  await world.task('over', { package: hash });
  await world.task('closing', { package: hash }, { attempts: [attempt(1, { phase: 'Closing' })] });
  await world.put(taskBucket, 'open', taskOf('open', { package: hash, inputs: [hash] }, { state: 'Queued' }));
  expect(await world.removals().neededInputs()).toEqual(new Map([[hash, 1]]));
});
