import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activityBooks, reservations } from '../../../src/activity/index.ts';
import type { ExeScript } from '../../../src/interface/index.ts';
import { ErgonError } from '../../../src/interface/index.ts';
import { ActivityWorld, PROVIDER, REQUESTOR } from '../../support/activity-world.ts';
import { FakeSupervisor } from '../../support/fake-exe-units.ts';

const HOLD: ExeScript = [{ deploy: {} }, { start: {} }, { run: { entry_point: 'hold:x', args: ['abc'] } }];
const HASH = `sha256:${'a'.repeat(64)}`;

describe('supervisors and work directories', () => {
  let world: ActivityWorld;

  beforeEach(async () => {
    world = new ActivityWorld();
    await world.start();
    await world.agree('agr');
    await world.wait(world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: {} }));
    await world.wait(world.requestor.exec('act', 'b1', HOLD));
    await world.until('runs', () => world.machine.get('act').runs.length === 1);
  });
  afterEach(() => world.stop());

  const endedWith = async (code: string) => {
    await world.until('ended at the requestor', async () => {
      const record = await world.requestor.get('act');
      return record?.state === 'Terminated' && record.reason?.code === code;
    });
    const batch = await world.requestor.batch('act', 'b1');
    expect(batch?.finished).toBe(true);
    expect(batch?.results.map(({ result }) => result)).toEqual(['Ok', 'Ok', 'Error']);
  };

  it('end with SupervisorLost when the supervisor died', async () => {
    world.machine.get('act').kill();
    await endedWith('SupervisorLost');
  });

  it('end with the end that was wanted when the supervisor died meanwhile', async () => {
    world.machine.get('act').status = 'unknown';
    await world.terminate('agr', 'provider', { code: 'PaymentDefault', message: 'unpaid' });
    await world.clock.advance(5000);
    world.machine.get('act').kill();
    await endedWith('PaymentDefault');
  });

  it('wait for a supervisor that does not answer, show it, and go on when it does', async () => {
    await world.stopProvider();
    world.machine.get('act').status = 'unknown';
    await world.startProvider();
    const books = activityBooks({
      store: world.providerStore,
      provider: world.provider,
      requestor: world.requestor,
    });
    await world.until('shown', async () => (await books.get('act'))?.unreachableSince !== undefined);
    await world.clock.advance(300_000);
    expect((await books.get('act'))?.state).toBe('Running');
    world.machine.get('act').status = 'alive';
    world.machine.get('act').release('x');
    await world.until('finished', async () => (await world.requestor.batch('act', 'b1'))?.finished === true);
    expect((await books.get('act'))?.unreachableSince).toBeUndefined();
    expect(world.machine.get('act').runs).toEqual(['hold:x']);
  });

  it('never make an activity anew whose work directory vanished', async () => {
    await world.stopProvider();
    world.machine.supervisors.delete('act');
    await world.startProvider();
    await endedWith('SupervisorLost');
    expect(world.machine.creates).toBe(1);
  });

  it('end in the books what has a damaged journal', async () => {
    await world.stopProvider();
    world.machine.onCall = (operation) => {
      if (operation === 'follow') throw new ErgonError('ERR_EXE_UNIT_JOURNAL_DAMAGED', 'line 9');
    };
    world.machine.get('act').sample();
    await world.startProvider();
    await endedWith('SupervisorLost');
    expect(world.machine.get('act').ended).toBe(true);
  });

  it('end an activity that no supervisor can be started for', async () => {
    await world.agree('second');
    world.machine.onCall = (operation) => {
      if (operation === 'create') throw new ErgonError('ERR_EXE_UNIT_LAUNCH_FAILED', 'no memory');
    };
    await world.wait(world.requestor.create({ activityId: 'two', agreementId: 'second', limits: {} }));
    await world.wait(world.requestor.exec('two', 'b1', HOLD));
    await world.until('ended', async () => (await world.requestor.get('two'))?.state === 'Terminated');
    expect((await world.requestor.get('two'))?.reason).toMatchObject({ code: 'Error' });
    expect((await world.requestor.batch('two', 'b1'))?.finished).toBe(true);
  });

  it('bring blobs as soon as the requestor is there again', async () => {
    world.requestorBlobs.set(HASH, 5);
    world.machine.get('act').release('x');
    await world.until('finished', async () => (await world.requestor.batch('act', 'b1'))?.finished === true);
    await world.wait(
      world.requestor.exec('act', 'b2', [{ transfer: { from: `blob:${HASH}`, to: 'container:/in' } }]),
    );
    await world.stopRequestor();
    await world.clock.advance(60_000);
    await world.stopProvider();
    await world.startProvider();
    await world.startRequestor();
    await world.until('finished', async () => (await world.requestor.batch('act', 'b2'))?.finished === true);
    expect((await world.requestor.batch('act', 'b2'))?.results[0]?.result).toBe('Ok');
  });

  it('stay until activity and agreement have ended and their time is over, the log with them', async () => {
    const books = activityBooks({
      store: world.providerStore,
      provider: world.provider,
      requestor: world.requestor,
    });
    world.machine.get('act').release('x');
    await world.wait(world.requestor.destroy('act'));
    await world.clock.advance(3 * 3_600_000);
    expect(world.machine.disposed).toEqual([]);
    expect((await books.activityLogs('act', 'stdout', 0, 10)).end).toBe(3);
    await world.terminate('agr', 'requestor', { code: 'Done', message: 'done' });
    await world.clock.advance(3_000_000);
    expect(world.machine.disposed).toEqual([]);
    await world.until('removed', () => world.machine.disposed.includes('act'), 2 * 3_600_000);
    await expect(books.activityLogs('act', 'stdout', 0, 10)).rejects.toMatchObject({
      code: 'ERR_ACTIVITY_LOG_GONE',
    });
    expect((await world.requestor.readLog('act', 'stdout', 0, 10)).end).toBe(3);
    expect(await world.providerStore.list(reservations)).toEqual([]);
  });

  it('are ended and removed when nobody owns them, but not while they do not answer', async () => {
    const { spec } = world.machine.get('act');
    for (const status of ['alive', 'unknown', 'gone'] as const) {
      const stray = new FakeSupervisor({ ...spec, activityId: `stray-${status}` }, world.clock);
      stray.status = status;
      world.machine.supervisors.set(`stray-${status}`, stray);
    }
    await world.clock.advance(50_000);
    expect(world.machine.disposed).toEqual([]);
    await world.until('removed', () => world.machine.disposed.length === 2);
    expect(world.machine.disposed.sort()).toEqual(['stray-alive', 'stray-gone']);
    expect(world.machine.get('act').ended).toBe(false);
  });

  it('tell a requestor that comes back late how it ended', async () => {
    // It knows of more output than it has when the provider goes.
    const stop = world.hub.fault(({ kind }) =>
      kind === 'log' ? { type: 'disconnect', when: 'before' } : undefined,
    );
    world.machine.get('act').write('stdout', 'more');
    await world.until('away', async () => (await world.requestor.get('act'))?.unreachableSince !== undefined);
    stop();
    world.machine.get('act').release('x');
    await world.terminate('agr', 'provider', { code: 'Closing', message: 'closing down' });
    await world.until('removed', () => world.machine.disposed.includes('act'), 3 * 3_600_000);
    // It hears that the log is gone before it hears of the end.
    const late = world.hub.fault(({ kind }) => (kind === 'updates' ? { type: 'drop' } : undefined));
    world.hub.connect(PROVIDER.peerId, REQUESTOR.peerId);
    await world.clock.advance(60_000);
    late();
    await world.until('known', async () => (await world.requestor.get('act'))?.state === 'Terminated');
    expect((await world.requestor.batch('act', 'b1'))?.results.map(({ result }) => result)).toEqual([
      'Ok',
      'Ok',
      'Ok',
    ]);
  });
});
