import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../runtimes/errors.ts';
import { JournalTail } from '../../../src/exe-unit/journal/tail.ts';
import { JournalWriter } from '../../../src/exe-unit/journal/writer.ts';
import { Supervisor } from '../../../src/exe-unit/supervisor/supervisor.ts';
import type { ExeUnitSpec, JournalRecord } from '../../../src/interface/exe-unit.ts';
import type { ExeScript } from '../../../src/interface/exe-script.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeRuntime } from '../../support/fake-runtime.ts';
import { ofType, script, specOf } from '../../support/exe-units.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

let directory: string;
let clock: FakeClock;
let runtime: FakeRuntime;
let supervisor: Supervisor;
let journal: JournalWriter;

async function create(overrides: Partial<ExeUnitSpec> = {}): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'ergon-supervisor-'));
  mkdirSync(join(directory, 'volumes'));
  clock = new FakeClock();
  runtime = new FakeRuntime();
  const spec = specOf('a1', { runtime: 'fake', deadline: clock.now() + 10_000_000, ...overrides });
  journal = await JournalWriter.create(join(directory, 'journal.ndjson'), clock);
  journal.append({ type: 'created', spec });
  supervisor = await Supervisor.create(spec, directory, { clock, logger: silentLogger, runtime, journal });
  supervisor.start();
}

beforeEach(() => create());
afterEach(() => discard());

async function discard(): Promise<void> {
  runtime.hangs = false;
  runtime.fail = {};
  await supervisor.end('Completed');
  await supervisor.done;
  await journal.close();
  rmSync(directory, { recursive: true });
}

async function records(): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for await (const record of new JournalTail(join(directory, 'journal.ndjson')).read()) all.push(record);
  return all;
}

/** Until the journal has such a record: real files are behind it, so the fake clock alone does not do. */
async function until(matches: (record: JournalRecord) => boolean): Promise<JournalRecord[]> {
  for (;;) {
    const all = await records();
    if (all.some(matches)) return all;
    await clock.settle();
  }
}

const finished = (batchId: string) => (record: JournalRecord) =>
  record.type === 'batch-finished' && record.batchId === batchId;
const running = (record: JournalRecord) => record.type === 'state' && record.state === 'Running';
const runX: ExeScript[number] = { run: { entry_point: 'x' } };

describe('the supervisor', () => {
  it.each(['deploy', 'start'] as const)(
    'leaves the state where it was when %s fails, and can try again',
    async (step) => {
      runtime.fail[step] = new Error('no luck');
      const before = step === 'deploy' ? 'New' : 'Deploying';
      await supervisor.exec('b1', script());
      const failed = await until(finished('b1'));
      expect(supervisor.state).toBe(before);
      expect(ofType(failed, 'state').at(-1)).toMatchObject({ state: before });
      expect(ofType(failed, 'command-finished').at(-1)!.result).toMatchObject({
        result: 'Error',
        reason: { message: 'no luck' },
      });
      runtime.fail = {};
      await supervisor.exec('b2', step === 'deploy' ? script() : [{ start: {} }]);
      await until(finished('b2'));
      expect(supervisor.state).toBe('Ready');
    },
  );

  it.each(['disk', 'files'] as const)(
    'says of which limit it is when the image fills the %s',
    async (limit) => {
      const detail = { limit, limitValue: 1000, observed: 1001 };
      runtime.fail.deploy = new RuntimeError('ERR_RUNTIME_STORAGE', 'too much', detail);
      await supervisor.exec('b1', script());
      const failed = await until(finished('b1'));
      expect(ofType(failed, 'command-finished').at(-1)!.result.reason).toMatchObject({
        code: 'LimitExceeded',
        detail,
      });
      expect(supervisor.state).toBe('New');
    },
  );

  it('stays Ready when a program cannot be started', async () => {
    runtime.fail.run = new Error('no such program');
    await supervisor.exec('b1', script(runX));
    await until(finished('b1'));
    expect(supervisor.state).toBe('Ready');
  });

  it('takes the next batch as soon as the last one is said to have finished', async () => {
    await supervisor.exec('b1', script(runX));
    await until(running);
    await expect(supervisor.exec('b2', script())).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_BUSY' });
    const next = Promise.withResolvers<undefined>();
    let asked = false;
    const stop = journal.onAppended(() => {
      if (asked || !readFileSync(join(directory, 'journal.ndjson'), 'utf8').includes('"batch-finished"'))
        return;
      asked = true;
      queueMicrotask(
        () => void supervisor.exec('b2', [{ sign: {} }]).then(() => next.resolve(undefined), next.reject),
      );
    });
    runtime.finish({ kind: 'exited', code: 0 });
    await next.promise;
    stop();
    await until(finished('b2'));
  });

  it('ends the activity when the runtime enforced a limit, with the figures', async () => {
    await supervisor.exec('b1', script(runX, { sign: {} }));
    await until(running);
    runtime.finish({ kind: 'limit', limit: 'memory', limitValue: 100, observed: 120 });
    await supervisor.done;
    const all = await records();
    const reason = { code: 'LimitExceeded', detail: { limit: 'memory', limitValue: 100, observed: 120 } };
    expect(ofType(all, 'state').at(-1)).toMatchObject({ state: 'Terminated', reason });
    expect(ofType(all, 'command-finished').at(-1)!.result).toMatchObject({
      index: 2,
      result: 'Error',
      reason,
    });
    expect(all.slice(-2).map((record) => record.type)).toEqual(['usage', 'state']);
    expect(runtime.calls.at(-1)).toBe('destroy');
  });

  it('survives a program that was killed by a signal or failed by the runtime', async () => {
    await supervisor.exec('b1', script(runX));
    await until(running);
    runtime.finish({ kind: 'signaled', signal: 'SIGSEGV' });
    const all = await until(finished('b1'));
    expect(ofType(all, 'command-finished').at(-1)!.result).toMatchObject({
      reason: { code: 'Signaled', detail: { signal: 'SIGSEGV' } },
    });
    expect(supervisor.state).toBe('Ready');
  });

  it('samples at the interval, ends at the CPU limit, and never lets a figure fall', async () => {
    await discard();
    await create({ limits: { cpuTimeMs: 2000 }, sampleIntervalMs: 500 });
    runtime.figures = { ...runtime.figures, cpuNs: 7_000_000_000n };
    await supervisor.exec('b1', script(runX));
    await until(running);
    // What the deployment burnt is not the workload's.
    runtime.figures = { ...runtime.figures, cpuNs: 8_500_000_000n, memoryBytes: 1 << 30, diskBytes: 1 << 29 };
    await clock.advance(1000);
    runtime.figures = { ...runtime.figures, cpuNs: 1n, memoryBytes: 0, diskBytes: 0 };
    await clock.advance(1000);
    runtime.fail.stats = new Error('engine does not answer');
    await clock.advance(1000);
    delete runtime.fail.stats;
    runtime.figures = { ...runtime.figures, cpuNs: 9_100_000_000n };
    await clock.advance(1000);
    await supervisor.done;
    const all = await records();
    expect(ofType(all, 'state').at(-1)!.reason).toMatchObject({
      code: 'LimitExceeded',
      detail: { limit: 'cpu', limitValue: 2000, observed: 2100 },
    });
    const samples = ofType(all, 'usage').map((record) => record.sample);
    expect(samples.length).toBeGreaterThan(6);
    const last = samples.at(-1)!.counters;
    expect(last['golem.usage.cpu_sec']).toBe('2100000000');
    expect(last['golem.usage.storage_gib']).toBe('500000000');
    // What was read last counts on while the runtime cannot say.
    for (const counter of ['ergon.usage.storage.gib-sec', 'ergon.usage.memory.gib-sec']) {
      expect(BigInt(last[counter]!)).toBeGreaterThan(0n);
    }
    expect(BigInt(last['ergon.usage.memory.peak-gib']!)).toBeGreaterThan(0n);
    for (const [index, sample] of samples.entries()) {
      for (const [name, value] of Object.entries(sample.counters)) {
        expect(BigInt(value)).toBeGreaterThanOrEqual(BigInt(samples[index - 1]?.counters[name] ?? 0));
      }
    }
  });

  it('counts from the deployment on where the agreement bills it', async () => {
    for (const [deploymentBilled, seconds] of [
      [false, 2],
      [true, 5],
    ] as const) {
      await discard();
      await create({ deploymentBilled, sampleIntervalMs: 500 });
      runtime.figures = { ...runtime.figures, cpuNs: 3_000_000_000n };
      await supervisor.exec('b1', [{ deploy: {} }]);
      await until(finished('b1'));
      await clock.advance(3000);
      await supervisor.exec('b2', [{ start: {} }, runX]);
      await until(running);
      runtime.figures = { ...runtime.figures, cpuNs: 5_000_000_000n };
      await clock.advance(2000);
      runtime.finish({ kind: 'exited', code: 0 });
      const { counters } = ofType(await until(finished('b2')), 'usage').at(-1)!.sample;
      expect(counters['golem.usage.duration_sec']).toBe(`${seconds}000000000`);
      expect(counters['golem.usage.cpu_sec']).toBe(`${seconds}000000000`);
    }
  });

  it('ends at the wall limit and the deadline, by the clock', async () => {
    for (const [overrides, command, afterMs, reason] of [
      [
        { limits: { wallTimeMs: 5000 } },
        runX,
        5000,
        { code: 'LimitExceeded', detail: { limit: 'time', limitValue: 5000 } },
      ],
      [{ deadline: new FakeClock().now() + 200_000 }, runX, 200_000, { code: 'Expired' }],
    ] as const) {
      await discard();
      await create(overrides);
      await supervisor.exec('b1', script(command));
      await until(running);
      await clock.advance(afterMs - 1);
      expect(supervisor.state).toBe('Running');
      await clock.advance(1);
      await supervisor.done;
      expect(ofType(await records(), 'state').at(-1)).toMatchObject({ state: 'Terminated', reason });
    }
  });

  it('does not wait for ever for a runtime that hangs', async () => {
    runtime.hangs = true;
    await supervisor.exec('b1', script(runX));
    await until(running);
    const ended = supervisor.end('Terminated', { code: 'Provider', message: 'enough' });
    await clock.advance(29_000);
    expect(ofType(await records(), 'batch-finished')).toHaveLength(0);
    await clock.advance(1000);
    await ended;
    expect(ofType(await records(), 'batch-finished')).toHaveLength(1);
    expect(supervisor.state).toBe('Terminated');
  });

  it('tries again to destroy what does not let itself be destroyed', async () => {
    await supervisor.exec('b1', script());
    await until(finished('b1'));
    runtime.fail.destroy = new Error('engine does not answer');
    const ended = supervisor.end('Completed');
    await clock.advance(100);
    delete runtime.fail.destroy;
    await clock.advance(200);
    await ended;
    expect(runtime.calls.filter((call) => call === 'destroy')).toHaveLength(2);
  });

  it('keeps its journal true over any sequence of requests', async () => {
    const command = fc.constantFrom<ExeScript[number]>(
      { deploy: {} },
      { start: {} },
      { sign: {} },
      { transfer: { from: 'container:/none', to: 'blob:' } },
      runX,
      { terminate: {} },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { maxLength: 5 }),
        async (batches) => {
          await discard();
          await create();
          const finishAll = setInterval(() => runtime.finish({ kind: 'exited', code: 0 }), 1);
          try {
            for (const [index, batch] of batches.entries()) {
              try {
                await supervisor.exec(`b${index}`, batch);
              } catch (error) {
                expect(error).toMatchObject({ code: 'ERR_EXE_UNIT_ENDED' });
                break;
              }
              await until(finished(`b${index}`));
            }
            await supervisor.end('Completed');
          } finally {
            clearInterval(finishAll);
          }
          const all = await records();
          expect(ofType(all, 'batch-finished')).toHaveLength(ofType(all, 'batch').length);
          expect(ofType(all, 'command-finished')).toHaveLength(ofType(all, 'command-started').length);
          expect(all.at(-1)).toMatchObject({ type: 'state', state: 'Completed' });
          for (const { batchId } of ofType(all, 'batch')) {
            const results = ofType(all, 'command-finished').filter((record) => record.batchId === batchId);
            expect(results.map((record) => record.result.index)).toEqual(results.map((_, index) => index));
            expect(results.slice(0, -1).every((record) => record.result.result === 'Ok')).toBe(true);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
