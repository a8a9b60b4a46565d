import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExeUnits } from '../../../src/interface/exe-unit.ts';
import {
  followUntil,
  ofType,
  realExeUnits,
  removeDataDir,
  script,
  specOf,
  temporaryDataDir,
} from '../../support/exe-units.ts';

const WORKLOAD = fileURLToPath(new URL('../../fixtures/workload/workload.wasm', import.meta.url));
const bytes = readFileSync(WORKLOAD);
const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const capture = { stdout: { atEnd: { head: 12 } } };

let dataDir: string;
let units: ExeUnits;
beforeEach(async () => {
  dataDir = temporaryDataDir();
  units = await realExeUnits(dataDir);
  await units.start();
});
afterEach(async () => {
  await units.stop();
  removeDataDir(dataDir);
});

it.each([
  { runtime: 'mock', spec: {}, tick: ['tick', '10'], hello: ['echo', 'hello again and again'] },
  {
    runtime: 'wasi',
    spec: { package: { hash, sizeBytes: bytes.length } },
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
    await units.provide('a1', hash, { path: WORKLOAD });
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
