import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandResult, ExeScript } from '../../../src/interface/exe-script.ts';
import { ofType, script } from '../../support/exe-units.ts';
import { batchFinished, reached, Supervised } from '../../support/supervised.ts';

const runX: ExeScript[number] = { run: { entry_point: 'x' } };
const HASH = `sha256:${'a'.repeat(64)}`;
let unit: Supervised;

beforeEach(async () => {
  unit = await Supervised.create();
});
afterEach(() => unit.discard());

async function results(batchId = 'b1'): Promise<CommandResult[]> {
  const records = await unit.until(batchFinished(batchId));
  return ofType(records, 'command-finished')
    .filter((record) => record.batchId === batchId)
    .map(({ result }) => result);
}

/** A batch after it runs as ever. */
async function isUsable(): Promise<void> {
  expect(unit.supervisor.state).toBe('Ready');
  await unit.supervisor.exec('next', [runX]);
  await unit.clock.settle();
  unit.runtime.finish({ kind: 'exited', code: 0 });
  expect((await results('next')).map(({ result }) => result)).toEqual(['Ok']);
}

describe('the timeout of a command', () => {
  it('kills the command and ends its batch, and nothing else', async () => {
    await unit.supervisor.exec('b1', script({ run: { entry_point: 'x', timeout_ms: 700 } }, runX));
    await unit.until(reached('Running'));
    await unit.clock.advance(699);
    expect(unit.supervisor.state).toBe('Running');
    await unit.clock.advance(1);
    expect((await results()).slice(2)).toMatchObject([
      {
        result: 'Error',
        reason: { code: 'LimitExceeded', detail: { limit: 'time', limitValue: 700, observed: 700 } },
      },
    ]);
    await isUsable();
  });

  it('ends the activity when the command does not die', async () => {
    unit.runtime.hangs = true;
    await unit.supervisor.exec('b1', script({ run: { entry_point: 'x', timeout_ms: 700 } }));
    await unit.until(reached('Running'));
    await unit.clock.advance(700 + 30_000);
    await unit.clock.advance(30_000);
    await unit.supervisor.done;
    expect(ofType(await unit.records(), 'state').at(-1)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'LimitExceeded', detail: { limit: 'time' } },
    });
  });
});

describe('canceling a batch', () => {
  const canceled = { result: 'Error', reason: { code: 'Canceled' } };

  it('kills the command that runs; the activity takes the next batch', async () => {
    await unit.supervisor.exec('b1', script(runX, runX));
    await unit.until(reached('Running'));
    await unit.supervisor.cancel('b1');
    const [, , killed, ...none] = await results();
    expect(killed).toMatchObject({ ...canceled, index: 2, stdout: { start: 0, end: 0 } });
    expect(none).toEqual([]);
    await isUsable();
  });

  it('kills it also when it is frozen, and leaves the activity held', async () => {
    await unit.supervisor.exec('b1', script(runX));
    await unit.until(reached('Running'));
    await unit.supervisor.suspend('requestor');
    await unit.supervisor.cancel('b1');
    expect((await results()).at(-1)).toMatchObject(canceled);
    expect(await unit.states()).toContain('Ready requestor');
    expect(unit.runtime.frozen).toBe(false);
    await unit.supervisor.resume('requestor');
    await isUsable();
  });

  it('ends what waits: for a blob, or to be resumed', async () => {
    await unit.supervisor.exec('b1', script({ run: { entry_point: 'x', stdin: HASH } }));
    await unit.until(({ type }) => type === 'need');
    await unit.supervisor.cancel('b1');
    expect((await results()).at(-1)).toMatchObject({ ...canceled, index: 2 });
    await unit.supervisor.suspend('node');
    await unit.supervisor.exec('b2', [runX]);
    await unit.supervisor.cancel('b2');
    expect(await results('b2')).toMatchObject([canceled]);
    await unit.supervisor.resume('node');
    await isUsable();
  });

  it('lets a step be done that cannot be broken off, and stops before the next', async () => {
    const launched = Promise.withResolvers<undefined>();
    unit.runtime.deploying = launched.promise;
    await unit.supervisor.exec('b1', script());
    await unit.until((record) => record.type === 'state' && record.pending === 'Deploying');
    await unit.supervisor.cancel('b1');
    launched.resolve(undefined);
    expect(await results()).toMatchObject([
      { index: 0, result: 'Ok' },
      { index: 1, ...canceled },
    ]);
    expect(unit.supervisor.state).toBe('Deploying');
  });

  it('kills a command that was being started', async () => {
    const launched = Promise.withResolvers<undefined>();
    unit.runtime.launching = launched.promise;
    await unit.supervisor.exec('b1', script(runX));
    await unit.until((record) => record.type === 'state' && record.pending === 'Running');
    await unit.supervisor.cancel('b1');
    launched.resolve(undefined);
    expect((await results()).at(-1)).toMatchObject(canceled);
    await isUsable();
  });

  it('changes nothing of a batch that has finished, and knows no other', async () => {
    await unit.supervisor.exec('b1', script());
    const before = await results();
    await unit.supervisor.cancel('b1');
    expect(await results()).toEqual(before);
    await expect(unit.supervisor.cancel('b9')).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_BATCH_NOT_FOUND',
    });
  });

  it('yields to the end of the activity', async () => {
    await unit.supervisor.exec('b1', script(runX));
    await unit.until(reached('Running'));
    await unit.supervisor.cancel('b1');
    await unit.supervisor.end('Terminated', { code: 'PaymentDefault', message: 'unpaid' });
    expect(ofType(await unit.records(), 'state').at(-1)).toMatchObject({
      reason: { code: 'PaymentDefault' },
    });
  });
});

describe('captures', () => {
  it('stand in the result of a command, also of one that failed', async () => {
    const capture = { stdout: { atEnd: { tail: 3 } }, stderr: { stream: { format: 'binary' as const } } };
    await unit.supervisor.exec('b1', script({ run: { entry_point: 'x', capture } }));
    await unit.until(reached('Running'));
    await unit.runtime.output!.stdout(Buffer.from('some output'));
    await unit.runtime.output!.stderr(Buffer.from([0, 255]));
    unit.runtime.finish({ kind: 'exited', code: 3 });
    expect((await results()).at(-1)).toMatchObject({
      result: 'Error',
      exitCode: 3,
      stdout: { start: 0, end: 11 },
      stdoutCapture: { format: 'string', data: 'put', truncated: true },
      stderrCapture: { format: 'binary', data: 'AP8=', truncated: false },
    });
  });
});
