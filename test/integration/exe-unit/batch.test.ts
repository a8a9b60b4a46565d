import { expect, it } from 'vitest';
import type { ExeUnits } from '../../../src/interface/exe-unit.ts';
import { exeUnitsForEach, followUntil, ofType, script, specOf } from '../../support/exe-units.ts';
import { WORKLOAD, WORKLOAD_PACKAGE } from '../../support/workload.ts';

const capture = { stdout: { atEnd: { head: 12 } } };

let units: ExeUnits;
exeUnitsForEach((made) => ({ units } = made));

it.each([
  { runtime: 'mock', spec: {}, tick: ['tick', '10'], hello: ['echo', 'hello again and again'] },
  {
    runtime: 'wasi',
    spec: { package: WORKLOAD_PACKAGE },
    tick: ['workload', 'tick', '1000000', '10'],
    hello: ['hello again', 'hello'],
  },
])('in $runtime a canceled program dies, frozen or not, and the next one runs', async (test) => {
  const { runtime, spec, tick, hello } = test;
  const run = ([entry_point = '', ...args]: string[]) => ({ run: { entry_point, args, capture } });
  await units.create(specOf('a1', { runtime, ...spec }));
  await units.exec('a1', 'b0', script());
  if ('package' in spec) {
    await followUntil(units, 'a1', ({ type }) => type === 'need');
    await units.provide('a1', WORKLOAD_PACKAGE.hash, { path: WORKLOAD });
  }
  const finished = async (batchId: string) => {
    const records = await followUntil(
      units,
      'a1',
      (record) => record.type === 'batch-finished' && record.batchId === batchId,
    );
    return ofType(records, 'command-finished').at(-1)!.result;
  };
  await finished('b0');
  for (const frozen of [false, true]) {
    const batchId = `b-${frozen}`;
    const offset = (await units.readLog('a1', 'stdout', 0, 1)).end;
    await units.exec('a1', batchId, [run(tick)]);
    while ((await units.readLog('a1', 'stdout', 0, 1)).end < offset + 20) await units.status('a1');
    if (frozen) await units.suspend('a1', 'requestor');
    await units.cancelBatch('a1', batchId);
    expect(await finished(batchId)).toMatchObject({
      result: 'Error',
      reason: { code: 'Canceled' },
      stdoutCapture: { format: 'string', data: expect.stringMatching(/^.{12}$/s), truncated: true },
    });
    if (frozen) await units.resume('a1', 'requestor');
  }
  await units.exec('a1', 'last', [run(hello)]);
  expect(await finished('last')).toMatchObject({
    result: 'Ok',
    stdoutCapture: { data: expect.stringMatching(/^hello .{6}$/), truncated: true },
  });
  await units.end('a1', 'Completed');
});
