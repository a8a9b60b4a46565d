import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COUNTER } from '../../../src/interface/usage-counters.ts';
import type { Holder } from '../../../src/interface/activity.ts';
import type { ExeScript } from '../../../src/interface/exe-script.ts';
import type { ExeUnitSpec } from '../../../src/interface/exe-unit.ts';
import { ofType, script } from '../../support/exe-units.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { batchFinished, reached, Supervised } from '../../support/supervised.ts';

const runX: ExeScript[number] = { run: { entry_point: 'x' } };
let unit: Supervised;

async function start(overrides: Partial<ExeUnitSpec> = {}): Promise<void> {
  unit = await Supervised.create(overrides);
}
async function running(command: ExeScript[number] = runX): Promise<void> {
  await unit.supervisor.exec('b1', script(command));
  await unit.until(reached('Running'));
}
async function lastSample(): Promise<Record<string, string>> {
  return ofType(await unit.records(), 'usage').at(-1)!.sample.counters;
}

describe('suspending an activity', () => {
  beforeEach(() => start());
  afterEach(() => unit.discard());

  it('freezes what runs and lets it go on', async () => {
    await running();
    await unit.supervisor.suspend('requestor');
    expect(unit.supervisor.state).toBe('Suspended');
    expect(unit.runtime.frozen).toBe(true);
    await unit.supervisor.suspend('requestor');
    await unit.supervisor.resume('requestor');
    await unit.supervisor.resume('requestor');
    expect(unit.supervisor.state).toBe('Running');
    expect(unit.runtime.calls.filter((call) => /suspend|resume/.test(call))).toEqual(['suspend', 'resume']);
    unit.runtime.finish({ kind: 'exited', code: 0 });
    await unit.until(batchFinished('b1'));
    expect(await unit.states()).toEqual([
      'Deploying',
      'Ready',
      'Running',
      'Suspended requestor',
      'Running',
      'Ready',
    ]);
  });

  it('stays suspended until everyone who held it has let go', async () => {
    await running();
    await unit.supervisor.suspend('requestor');
    await unit.supervisor.suspend('node');
    await unit.supervisor.resume('requestor');
    expect(unit.supervisor.state).toBe('Suspended');
    await unit.supervisor.resume('node');
    expect(unit.supervisor.state).toBe('Running');
    expect((await unit.states()).slice(-4)).toEqual([
      'Suspended requestor',
      'Suspended requestor node',
      'Suspended node',
      'Running',
    ]);
  });

  it('bills neither time nor memory meanwhile, and takes no samples', async () => {
    unit.runtime.figures = { ...unit.runtime.figures, memoryBytes: 1 << 30 };
    await running();
    await unit.clock.advance(5000);
    await unit.supervisor.suspend('provider');
    const frozen = await lastSample();
    expect(frozen[COUNTER.duration]).toBe('5000000000');
    const samples = ofType(await unit.records(), 'usage').length;
    await unit.clock.advance(3_600_000);
    expect(ofType(await unit.records(), 'usage')).toHaveLength(samples);
    await unit.supervisor.resume('provider');
    await unit.clock.advance(1000);
    const after = await lastSample();
    expect(after[COUNTER.duration]).toBe('6000000000');
    expect(BigInt(after[COUNTER.memory]!) - BigInt(frozen[COUNTER.memory]!)).toBe(1_000_000_000n);
  });

  it('stops the wall time limit and the timeout of a command, but not the deadline', async () => {
    for (const [overrides, command] of [
      [{ limits: { wallTimeMs: 5000 } }, runX],
      [{}, { run: { entry_point: 'x', timeout_ms: 5000 } }],
    ] as const) {
      await unit.discard();
      await start(overrides);
      await running(command);
      await unit.clock.advance(2000);
      await unit.supervisor.suspend('requestor');
      await unit.clock.advance(100_000);
      await unit.supervisor.resume('requestor');
      await unit.clock.advance(2999);
      expect(unit.supervisor.state).toBe('Running');
      await unit.clock.advance(1);
      await unit.until(batchFinished('b1'));
      expect(ofType(await unit.records(), 'command-finished').at(-1)!.result.reason).toMatchObject({
        code: 'LimitExceeded',
        detail: { limit: 'time', limitValue: 5000, observed: 5000 },
      });
    }
    await unit.discard();
    await start({ deadline: new FakeClock().now() + 50_000 });
    await running();
    await unit.supervisor.suspend('requestor');
    await unit.clock.advance(60_000);
    await unit.supervisor.done;
    expect(unit.supervisor.state).toBe('Terminated');
  });

  it('begins no command while it is held, and says so in the journal', async () => {
    await unit.supervisor.suspend('node');
    await unit.supervisor.exec('b1', script(runX));
    await unit.clock.advance(10_000);
    expect(unit.runtime.calls).toEqual([]);
    await unit.supervisor.resume('node');
    await unit.until(reached('Running'));
    expect(await unit.states()).toEqual(['New node', 'New', 'Deploying', 'Ready', 'Running']);
  });

  it('freezes a command that was being started when it was held', async () => {
    const launched = Promise.withResolvers<undefined>();
    unit.runtime.launching = launched.promise;
    await unit.supervisor.exec('b1', script(runX));
    await unit.until((record) => record.type === 'state' && record.pending === 'Running');
    await unit.clock.settle();
    const suspended = unit.supervisor.suspend('requestor');
    await unit.clock.settle();
    launched.resolve(undefined);
    await suspended;
    await unit.until(reached('Suspended'));
    expect(unit.runtime.frozen).toBe(true);
  });

  it('changes nothing when the runtime cannot do it', async () => {
    await running();
    unit.runtime.fail.suspend = new Error('engine does not answer');
    await expect(unit.supervisor.suspend('requestor')).rejects.toThrow('engine does not answer');
    expect(unit.supervisor.state).toBe('Running');
    await unit.clock.advance(1000);
    expect((await lastSample())[COUNTER.duration]).toBe('1000000000');
    delete unit.runtime.fail.suspend;
    await unit.supervisor.suspend('requestor');
    unit.runtime.fail.resume = new Error('engine does not answer');
    await expect(unit.supervisor.resume('requestor')).rejects.toThrow('engine does not answer');
    expect(unit.supervisor.state).toBe('Suspended');
    delete unit.runtime.fail.resume;
    unit.runtime.supports.suspend = false;
    await expect(unit.supervisor.suspend('provider')).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_SUSPEND_UNSUPPORTED',
    });
  });

  it('takes the end of a command that had ended before it was frozen, and holds the next', async () => {
    await unit.supervisor.exec('b1', script(runX, runX));
    await unit.until(reached('Running'));
    await unit.supervisor.suspend('requestor');
    unit.runtime.finish({ kind: 'exited', code: 0 });
    await unit.until((record) => record.type === 'command-started' && record.index === 3);
    expect(unit.runtime.frozen).toBe(false);
    expect(unit.supervisor.state).toBe('Ready');
    await unit.supervisor.resume('requestor');
    unit.runtime.finish({ kind: 'exited', code: 0 });
    await unit.until((record) => reached('Running')(record) && record.seq > 20);
    unit.runtime.finish({ kind: 'exited', code: 0 });
    await unit.until(batchFinished('b1'));
    expect(await unit.states()).toEqual([
      ...['Deploying', 'Ready', 'Running', 'Suspended requestor', 'Running requestor'],
      ...['Ready requestor', 'Ready', 'Running', 'Ready'],
    ]);
  });

  it('can be ended while it is suspended', async () => {
    await running();
    await unit.supervisor.suspend('requestor');
    await unit.supervisor.end('Terminated', { code: 'Requestor', message: 'enough' });
    expect(unit.supervisor.state).toBe('Terminated');
    await expect(unit.supervisor.suspend('requestor')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_ENDED' });
    const end = ofType(await unit.records(), 'state').at(-1)!;
    expect(end).not.toHaveProperty('holds');
  });

  it('runs only while nobody holds it, over any order of requests, and bills just that time', async () => {
    const holder = fc.constantFrom<Holder>('requestor', 'provider', 'node');
    const step = fc.record({ by: holder, on: fc.boolean(), ms: fc.integer({ min: 0, max: 5000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await unit.discard();
        await start();
        await running();
        const holds = new Set<Holder>();
        let workedMs = 0;
        for (const { by, on, ms } of steps) {
          if (on) holds.add(by);
          else holds.delete(by);
          await (on ? unit.supervisor.suspend(by) : unit.supervisor.resume(by));
          expect(unit.supervisor.state).toBe(holds.size === 0 ? 'Running' : 'Suspended');
          expect(unit.runtime.frozen).toBe(holds.size > 0);
          await unit.clock.advance(ms);
          if (holds.size === 0) workedMs += ms;
        }
        await unit.supervisor.end('Completed');
        expect((await lastSample())[COUNTER.duration]).toBe(String(BigInt(workedMs) * 1_000_000n));
      }),
      { numRuns: 25 },
    );
  });
});
