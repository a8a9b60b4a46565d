import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activities, reservations, usageSource } from '../../../src/activity/index.ts';
import type { ExeScript } from '../../../src/interface/index.ts';
import { ActivityWorld, BOOKED_BYTES, PROVIDER, REQUESTOR } from '../../support/activity-world.ts';
import { testIdentity } from '../../support/identities.ts';

const HASH = `sha256:${'a'.repeat(64)}`;
const signal = new AbortController().signal;
const deployed: ExeScript = [{ deploy: {} }, { start: {} }];
const run = (entry: string, ...args: string[]): ExeScript => [{ run: { entry_point: entry, args } }];

describe('an activity from create to end', () => {
  let world: ActivityWorld;

  beforeEach(async () => {
    world = new ActivityWorld();
    await world.start();
    await world.agree('agr');
  });
  afterEach(() => world.stop());

  const create = (activityId = 'act', agreementId = 'agr') =>
    world.wait(world.requestor.create({ activityId, agreementId, limits: {} }));
  const exec = (batchId: string, script: ExeScript, activityId = 'act') =>
    world.wait(world.requestor.exec(activityId, batchId, script));
  const batch = (batchId: string, activityId = 'act') =>
    world.wait(world.requestor.waitBatch(activityId, batchId, signal));
  const ended = (activityId = 'act') =>
    world.until('ended at the requestor', async () => {
      const record = await world.requestor.get(activityId);
      return record?.state === 'Completed' || record?.state === 'Terminated';
    });
  const logsAreHere = (activityId = 'act') =>
    world.until(
      'logs are whole',
      async () => (await world.requestor.readLog(activityId, 'stdout', 0, 1)).final,
    );

  it('runs a script, follows state, results, usage and logs, and completes', async () => {
    expect((await create()).state).toBe('New');
    await exec('b1', [...deployed, ...run('hello', 'out', 'put'), { terminate: {} }]);
    const finished = await batch('b1');
    expect(finished.results.map((result) => result.result)).toEqual(['Ok', 'Ok', 'Ok', 'Ok']);
    expect(finished.results[2]?.stdout).toEqual({ start: 0, end: 6 });
    await ended();
    await logsAreHere();
    const record = await world.requestor.get('act');
    expect(record).toMatchObject({ state: 'Completed', stdoutBytes: 6, role: 'requestor' });
    expect(record?.history.map(({ state }) => state)).toEqual([
      'New',
      'Deploying',
      'Ready',
      'Running',
      'Ready',
      'Completed',
    ]);
    const log = await world.requestor.readLog('act', 'stdout', 0, 100);
    expect(Buffer.from(log.bytes).toString()).toBe('output');
    expect(log).toMatchObject({ end: 6, final: true });
    for (const store of [world.providerStore, world.requestorStore]) {
      const samples = await usageSource.samples(store, 'act', 1, 10);
      expect(samples.map(({ sequence }) => sequence)).toEqual([1, 2]);
      const events = await store.events.query({ subject: 'act', types: ['activity.ended'] });
      expect(events).toHaveLength(1);
      expect(events[0]?.data).toMatchObject({ state: 'Completed', agreementId: 'agr', usage: samples[1] });
    }
  });

  it('takes no more scripts of one activity than its share of the books', async () => {
    await create();
    await exec('b0', deployed);
    await batch('b0');
    const long = 'x'.repeat(BOOKED_BYTES / 3);
    for (const batchId of ['b1', 'b2']) {
      await exec(batchId, run('hello', long));
      await batch(batchId);
    }
    await expect(exec('b3', run('hello', long))).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_BOOKS_FULL',
      detail: { detail: { maxBytes: BOOKED_BYTES } },
    });
    // What is small still goes, down to the last.
    await exec('b4', run('hello'));
    await batch('b4');
  });

  it('does nothing twice for repeated ids, and refuses the same id for something else', async () => {
    await create();
    await create();
    await exec('b1', deployed);
    await exec('b1', deployed);
    await batch('b1');
    expect(world.machine.creates).toBe(1);
    expect(world.machine.get('act').batchIds).toEqual(['b1']);
    await expect(exec('b1', run('other'))).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ID_CONFLICT' });
    const other = world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: { cpuTimeMs: 5 } });
    await expect(world.wait(other)).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ID_CONFLICT' });
    const wire = world.requestorNetwork.request(PROVIDER.peerId, '/ergon/activity/1', 'create', {
      activityId: 'act',
      agreementId: 'agr',
      limits: { wallTimeMs: 7 },
    });
    await expect(world.wait(wire)).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_ID_CONFLICT' } });
  });

  it('lets nobody but the requestor of the agreement act', async () => {
    await create();
    const stranger = world.hub.join(testIdentity('stranger'));
    await stranger.start();
    const ask = (kind: string, body: object) => () =>
      stranger.request(PROVIDER.peerId, '/ergon/activity/1', kind, { activityId: 'act', ...body });
    const calls = [
      ask('exec', { batchId: 'x', script: [{ deploy: {} }] }),
      ask('get', {}),
      ask('batch', { batchId: 'x' }),
      ask('updates', { afterSeq: 0, waitMs: 0, stdoutBytes: 0, stderrBytes: 0 }),
      ask('log', { stream: 'stdout', offset: 0, maxBytes: 1 }),
      ask('destroy', {}),
    ];
    for (const call of calls) {
      await expect(world.wait(call())).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_NOT_FOUND' } });
    }
    const body = { activityId: 'mine', agreementId: 'agr', limits: {} };
    await expect(
      world.wait(stranger.request(PROVIDER.peerId, '/ergon/activity/1', 'create', body)),
    ).rejects.toMatchObject({ detail: { code: 'ERR_ACTIVITY_AGREEMENT_NOT_FOUND' } });
    expect(world.machine.creates).toBe(1);
    await stranger.stop();
  });

  it.each([
    ['create', { activityId: '../x', agreementId: 'agr', limits: {} }],
    ['create', { activityId: 'a', agreementId: 'agr', limits: { cpuTimeMs: -1 } }],
    ['exec', { activityId: 'act', batchId: 'b', script: [] }],
    ['log', { activityId: 'act', stream: 'stdin', offset: 0, maxBytes: 1 }],
    ['log', { activityId: 'act', stream: 'stdout', offset: 0, maxBytes: 300_000 }],
    ['updates', { activityId: 'act', afterSeq: 0, waitMs: 3_600_000, stdoutBytes: 0, stderrBytes: 0 }],
    ['destroy', { activityId: 'act', extra: 1 }],
  ])('refuses a malformed %s and changes nothing', async (kind, body) => {
    const before = await world.providerStore.list(activities);
    const request = world.requestorNetwork.request(PROVIDER.peerId, '/ergon/activity/1', kind, body);
    await expect(world.wait(request)).rejects.toMatchObject({ code: 'ERR_NETWORK_REMOTE' });
    expect(await world.providerStore.list(activities)).toEqual(before);
  });

  it('refuses what the state forbids, with nothing left behind', async () => {
    await create();
    await expect(exec('b1', run('early'))).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ILLEGAL_COMMAND' });
    expect(await world.requestor.batch('act', 'b1')).toBeUndefined();
    await exec('b1', deployed);
    await batch('b1');
    await exec('b2', run('hold:x'));
    await expect(exec('b3', run('other'))).rejects.toMatchObject({ code: 'ERR_ACTIVITY_BUSY' });
    world.machine.get('act').release('x');
    await batch('b2');
    await exec('b3', run('other'));
    expect((await batch('b3')).results[0]?.result).toBe('Ok');
  });

  it('ends Completed when nothing had failed, else Terminated by the requestor', async () => {
    await create();
    await exec('b1', deployed);
    await batch('b1');
    await world.wait(world.requestor.destroy('act'));
    await ended();
    expect(await world.requestor.get('act')).toMatchObject({ state: 'Completed' });

    await create('two');
    await exec('b1', [...deployed, ...run('fail'), ...run('never')], 'two');
    expect((await batch('b1', 'two')).results.map((result) => result.result)).toEqual(['Ok', 'Ok', 'Error']);
    await world.wait(world.requestor.destroy('two'));
    await ended('two');
    expect(await world.requestor.get('two')).toMatchObject({
      state: 'Terminated',
      reason: { code: 'Requestor' },
    });
    await expect(exec('b2', run('late'), 'two')).rejects.toMatchObject({ code: 'ERR_ACTIVITY_ENDED' });
  });

  it('serves one activity at a time under an agreement', async () => {
    await create();
    await expect(create('two')).rejects.toMatchObject({ code: 'ERR_ACTIVITY_AGREEMENT_BUSY' });
    await world.wait(world.requestor.destroy('act'));
    await ended();
    expect((await create('three')).state).toBe('New');
    expect(await world.requestor.get('two')).toMatchObject({ state: 'Terminated' });
  });

  it('brings package, inputs and stdin from the requestor, and tells a definite no', async () => {
    const input = `sha256:${'b'.repeat(64)}`;
    world.requestorBlobs.set(HASH, 100);
    world.requestorBlobs.set(input, 200);
    const taskPackage = { hash: HASH, sizeBytes: 100 };
    await world.wait(
      world.requestor.create({ activityId: 'act', agreementId: 'agr', package: taskPackage, limits: {} }),
    );
    await exec('b1', [...deployed, { run: { entry_point: 'cat', stdin: input } }]);
    expect((await batch('b1')).results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Ok']);
    const gone = `sha256:${'c'.repeat(64)}`;
    await exec('b2', [{ transfer: { from: `blob:${gone}`, to: 'container:/in' } }]);
    const reason = { code: 'ERR_NETWORK_BLOB_NOT_FOUND', detail: { hash: gone } };
    expect((await batch('b2')).results[0]).toMatchObject({ result: 'Error', reason });
    expect(await world.requestor.allowBlob(input, PROVIDER)).toBeDefined();
    expect(await world.requestor.allowBlob(input, testIdentity('stranger'))).toBeUndefined();
    await world.wait(world.requestor.destroy('act'));
    await ended();
    expect(await world.requestor.allowBlob(input, PROVIDER)).toBeUndefined();
  });

  it('takes no more bytes for an activity than storage and allowance', async () => {
    world.requestorBlobs.set(HASH, (1 << 20) + 1001);
    await create();
    await exec('b1', [...deployed, { transfer: { from: `blob:${HASH}`, to: 'container:/in' } }]);
    expect((await batch('b1')).results[2]).toMatchObject({ result: 'Error' });
    const taskPackage = { hash: HASH, sizeBytes: 1 << 30 };
    await world.agree('large');
    const large = world.requestor.create({
      activityId: 'large',
      agreementId: 'large',
      package: taskPackage,
      limits: {},
    });
    await expect(world.wait(large)).rejects.toMatchObject({ code: 'ERR_ACTIVITY_PACKAGE_TOO_LARGE' });
  });

  it('gives results to the requestor alone', async () => {
    await create();
    await exec('b1', [...deployed, { transfer: { from: 'container:/out', to: 'blob:' } }]);
    const hash = (await batch('b1')).results[2]?.blob?.hash ?? '';
    expect(await world.provider.allowBlob(hash, REQUESTOR)).toBe(`/outputs/${hash}`);
    expect(await world.provider.allowBlob(hash, testIdentity('stranger'))).toBeUndefined();
    expect(await world.provider.allowBlob(HASH, REQUESTOR)).toBeUndefined();
  });

  it.each([
    ['requestor', 'Whatever', 'Requestor'],
    ['provider', 'Whatever', 'Provider'],
    ['provider', 'PaymentDefault', 'PaymentDefault'],
  ] as const)(
    'ends it when the %s terminates the agreement (%s), then frees the slots',
    async (by, code, expected) => {
      await create();
      await exec('b1', [...deployed, ...run('hold:x')]);
      await world.until('runs', () => world.machine.get('act').runs.length === 1);
      await world.terminate('agr', by, { code, message: 'enough' });
      await ended();
      expect(await world.requestor.get('act')).toMatchObject({
        state: 'Terminated',
        reason: { code: expected, message: 'enough' },
      });
      expect((await batch('b1')).finished).toBe(true);
      expect(await world.providerStore.list(reservations)).toEqual([]);
      await expect(create('late')).rejects.toMatchObject({ code: 'ERR_ACTIVITY_AGREEMENT_NOT_ACTIVE' });
    },
  );

  it('keeps the slots while the activity of a terminated agreement has not ended', async () => {
    await create();
    await exec('b1', deployed);
    await batch('b1');
    world.machine.get('act').status = 'unknown';
    await world.terminate('agr', 'requestor', { code: 'Done', message: 'done' });
    await world.clock.advance(30_000);
    expect(await world.providerStore.list(reservations)).toHaveLength(1);
    world.machine.get('act').status = 'alive';
    await ended();
    expect(await world.providerStore.list(reservations)).toEqual([]);
  });

  it('ends it when the agreement expires', async () => {
    await world.agree('short', {}, 60_000);
    await create('brief', 'short');
    await ended('brief');
    expect(await world.requestor.get('brief')).toMatchObject({
      state: 'Terminated',
      reason: { code: 'Expired' },
    });
    expect((await world.providerStore.list(reservations)).map(({ id }) => id)).toEqual(['agr']);
  });

  it('terminates an agreement that lies idle: unused, and after its last activity', async () => {
    await world.agree('unused', { idleTimeoutMs: 5000 });
    await world.agree('used', { idleTimeoutMs: 60_000 });
    await create('act', 'used');
    await world.until('unused is terminated', () => world.termination('unused') !== undefined);
    expect(world.termination('unused')).toMatchObject({ by: 'provider', reason: { code: 'NoActivity' } });
    await world.clock.advance(120_000);
    expect(world.termination('used')).toBeUndefined();
    await world.wait(world.requestor.destroy('act'));
    await world.until('used is terminated', () => world.termination('used') !== undefined);
    expect(world.termination('used')).toMatchObject({ reason: { code: 'Idle' } });
    await world.until(
      'slots are free',
      async () => (await world.providerStore.list(reservations)).length === 1,
    );
  });

  it('copies long logs as they grow, up to what was agreed', async () => {
    await world.agree('logs', { maxOutputBytes: 1_000_000 });
    await create('act', 'logs');
    await exec('b1', [...deployed, ...run('hold:x', 'first')]);
    await world.until('the first bytes are here', async () => {
      const { bytes } = await world.requestor.readLog('act', 'stdout', 0, 100);
      return Buffer.from(bytes).toString() === 'first';
    });
    world.machine.get('act').write('stdout', 'x'.repeat(700_000));
    world.machine.get('act').write('stderr', 'y'.repeat(1_200_000));
    world.machine.get('act').release('x');
    await batch('b1');
    await world.wait(world.requestor.destroy('act'));
    await logsAreHere();
    expect((await world.requestor.readLog('act', 'stdout', 5, 10)).end).toBe(700_005);
    expect((await world.requestor.readLog('act', 'stderr', 0, 10)).end).toBe(1_000_000);
  });

  it('asks for the rest of a log as soon as a provider that gave none is heard of again', async () => {
    let isBroken = false;
    let refusals = 0;
    await world.stopProvider();
    await world.startProvider({
      store: (store) => store,
      exeUnits: (units) => ({
        ...units,
        readLog: async (id, stream, offset, maxBytes, ended) => {
          if (isBroken && maxBytes > 0) throw new Error(`no log just now, ${(refusals += 1)}`);
          return units.readLog(id, stream, offset, maxBytes, ended);
        },
      }),
    });
    await create();
    await exec('b1', [...deployed, ...run('hold:x', 'first')]);
    await world.wait(world.requestor.waitLog('act', 'stdout', 5, signal));
    isBroken = true;
    world.machine.get('act').write('stdout', 'second');
    // From then on it is asked for every 5 to 10 s only.
    await world.until('asked for in vain', () => refusals === 7);
    isBroken = false;
    world.machine.get('act').write('stdout', 'third');
    world.machine.get('act').release('x');
    // No time passes.
    await world.requestor.waitLog('act', 'stdout', 16, signal);
    const log = await world.requestor.readLog('act', 'stdout', 0, 100);
    expect(Buffer.from(log.bytes).toString()).toBe('firstsecondthird');
  });

  it('waits for a log that is on its way until nothing of it has come for 30 s', async () => {
    await create();
    await exec('b1', [...deployed, ...run('hold:x', 'first')]);
    const arrival = world.requestor.waitLog('act', 'stdout', 100, signal);
    await world.clock.advance(20_000);
    world.machine.get('act').write('stdout', 'second');
    const before = world.clock.now();
    await world.wait(arrival);
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(30_000);
    await world.wait(world.requestor.destroy('act'));
    await logsAreHere();
    // No time passes.
    await world.requestor.waitLog('act', 'stdout', 100, signal);
  });

  it('shows a provider that is away as unreachable, and goes on when it is back', async () => {
    await create();
    await exec('b1', [...deployed, ...run('hold:x', 'abc')]);
    await world.until('runs', () => world.machine.get('act').runs.length === 1);
    world.hub.disconnect(PROVIDER.peerId, REQUESTOR.peerId);
    await world.until(
      'unreachable',
      async () => (await world.requestor.get('act'))?.unreachableSince !== undefined,
    );
    world.machine.get('act').release('x');
    await world.clock.advance(600_000);
    expect((await world.requestor.get('act'))?.state).not.toBe('Terminated');
    world.hub.connect(PROVIDER.peerId, REQUESTOR.peerId);
    expect((await batch('b1')).results).toHaveLength(3);
    expect((await world.requestor.get('act'))?.unreachableSince).toBeUndefined();
  });

  it('gives up a provider that stays away beyond the end of the agreement', async () => {
    await world.agree('short', {}, 60_000);
    await create('brief', 'short');
    world.hub.disconnect(PROVIDER.peerId, REQUESTOR.peerId);
    await world.until(
      'given up',
      async () => (await world.requestor.get('brief'))?.state === 'Terminated',
      3 * 3_600_000,
    );
    expect((await world.requestor.get('brief'))?.reason).toMatchObject({ code: 'Expired' });
    expect((await world.requestor.readLog('brief', 'stdout', 0, 1)).final).toBe(true);
  });

  it('does not believe usage that falls', async () => {
    await create();
    await exec('b1', [...deployed, ...run('one')]);
    await batch('b1');
    const sample = { sequence: 3, at: 1, counters: { 'golem.usage.cpu_sec': '1' } };
    const stop = world.hub.fault(({ kind }) =>
      kind === 'updates'
        ? {
            type: 'replace-answer',
            answer: {
              updates: [{ seq: 1000, at: 1, type: 'usage', sample }],
              more: false,
              stdoutBytes: 0,
              stderrBytes: 0,
              logsFinal: false,
            },
          }
        : undefined,
    );
    world.machine.get('act').sample();
    await world.until(
      'doubted',
      async () => (await world.requestor.get('act'))?.unreachableSince !== undefined,
    );
    expect((await world.requestor.get('act'))?.usage?.sequence).toBe(2);
    stop();
    world.machine.get('act').sample();
    await world.until('true again', async () => (await world.requestor.get('act'))?.usage?.sequence === 3);
  });
});
