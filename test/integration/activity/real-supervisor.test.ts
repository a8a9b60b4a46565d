import { createCipheriv } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usageSource } from '../../../src/activity/index.ts';
import type { ExeUnits } from '../../../src/interface/index.ts';
import { ActivityWorld } from '../../support/activity-world.ts';
import {
  realExeUnits,
  removeDataDir,
  run,
  script,
  supervisorPids,
  temporaryDataDir,
} from '../../support/exe-units.ts';

const DAY = 24 * 3_600_000;
const BYTES = 3_000_000;

/** What the mock runtime's `flood` writes. */
function flood(): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(BYTES));
}

describe('an activity under a real supervisor', () => {
  let dataDir: string;
  let world: ActivityWorld;
  let units: ExeUnits;
  const startProvider = async (): Promise<void> => {
    units = await realExeUnits(dataDir);
    await units.start();
    await world.startProvider({ store: (store) => store, exeUnits: () => units });
  };
  const stopProvider = async (): Promise<void> => {
    await world.stopProvider();
    await units.stop();
  };

  beforeEach(async () => {
    dataDir = temporaryDataDir();
    world = new ActivityWorld();
    await world.start();
    await world.stopProvider();
    await startProvider();
    await world.agree('agr', { maxOutputBytes: 4 << 20 }, 365 * DAY);
  });
  afterEach(async () => {
    await stopProvider();
    await world.stop();
    removeDataDir(dataDir);
  });

  it('runs on while the provider is away, and nothing is lost or done twice', async () => {
    await world.wait(world.requestor.create({ activityId: 'act', agreementId: 'agr', limits: {} }), DAY);
    const commands = script(run('flood', String(BYTES)), run('complain', 'done'), run('exit', '3'));
    await world.wait(world.requestor.exec('act', 'b1', commands), DAY);
    await world.until(
      'output comes',
      async () => (await world.requestor.readLog('act', 'stdout', 0, 1)).end > 0,
      DAY,
    );
    await stopProvider();
    await startProvider();
    const done = world.requestor.waitBatch('act', 'b1', new AbortController().signal);
    const batch = await world.wait(done, DAY);
    expect(batch.results.map(({ result, exitCode }) => [result, exitCode])).toEqual([
      ['Ok', undefined],
      ['Ok', undefined],
      ['Ok', 0],
      ['Ok', 0],
      ['Error', 3],
    ]);
    await world.wait(world.requestor.destroy('act'), DAY);
    await world.until('whole', async () => (await world.requestor.readLog('act', 'stdout', 0, 1)).final, DAY);
    const stdout = await world.requestor.readLog('act', 'stdout', 0, 2 * BYTES);
    expect(Buffer.from(stdout.bytes).equals(flood())).toBe(true);
    const stderr = await world.requestor.readLog('act', 'stderr', 0, 100);
    expect(Buffer.from(stderr.bytes).toString()).toBe('done\n');
    expect(await world.requestor.get('act')).toMatchObject({
      state: 'Terminated',
      reason: { code: 'Requestor' },
      stdoutBytes: BYTES,
    });
    const there = await usageSource.samples(world.providerStore, 'act', 1, 1000);
    expect(there.length).toBeGreaterThan(0);
    expect(await usageSource.samples(world.requestorStore, 'act', 1, 1000)).toEqual(there);
    await world.until('the supervisor has gone', () => supervisorPids(dataDir).length === 0, DAY);
  });
});
