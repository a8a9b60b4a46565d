import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ExeUnits, ExeUnitSpec, JournalRecord } from '../../../src/interface/exe-unit.ts';
import type { ExeScript } from '../../../src/interface/exe-script.ts';
import {
  exeUnitsForEach,
  followToEnd,
  followUntil,
  ofType,
  processesWith,
  run,
  script,
  specOf,
  supervisorPids,
  wholeLog,
} from '../../support/exe-units.ts';

let dataDir: string;
let units: ExeUnits;
exeUnitsForEach((made) => ({ dataDir, units } = made));

async function terminated(
  command: ExeScript[number],
  overrides: Partial<ExeUnitSpec>,
): Promise<JournalRecord[]> {
  await units.create(specOf('a1', overrides));
  await units.exec('a1', 'b1', script(command, run('echo', 'never')));
  const records = await followToEnd(units, 'a1');
  expect(ofType(records, 'batch-finished')).toHaveLength(1);
  const end = ofType(records, 'state').at(-1)!;
  expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
    index: 2,
    result: 'Error',
    reason: end.reason,
  });
  await expect.poll(() => units.status('a1')).toBe('gone');
  expect(supervisorPids(dataDir)).toEqual([]);
  const leftovers = processesWith((pid) =>
    readFileSync(`/proc/${pid}/environ`, 'latin1').includes(markerOf(records)),
  );
  expect(leftovers).toEqual([]);
  return records;
}

function markerOf(records: readonly JournalRecord[]): string {
  return String(JSON.parse(ofType(records, 'handle')[0]!.handle).marker);
}

function reasonOf(records: readonly JournalRecord[]): unknown {
  return ofType(records, 'state').at(-1);
}

describe('limits', () => {
  it('ends a program that burns more CPU than agreed', async () => {
    const records = await terminated(run('spin'), { limits: { cpuTimeMs: 300 } });
    expect(reasonOf(records)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'LimitExceeded', detail: { limit: 'cpu', limitValue: 300 } },
    });
    const used = BigInt(ofType(records, 'usage').at(-1)!.sample.counters['golem.usage.cpu_sec']!);
    expect(used).toBeGreaterThanOrEqual(300_000_000n);
  });

  it('ends a program that outlasts the wall clock agreed on', async () => {
    const records = await terminated(run('stubborn'), { limits: { wallTimeMs: 300 } });
    expect(reasonOf(records)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'LimitExceeded', detail: { limit: 'time', limitValue: 300 } },
    });
  });

  it("ends a command at the command's own timeout", async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script({ run: { entry_point: 'sleep', timeout_ms: 200 } }, run('echo')));
    const records = await followUntil(units, 'a1', ({ type }) => type === 'batch-finished');
    expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
      index: 2,
      reason: { code: 'LimitExceeded', detail: { limit: 'time', limitValue: 200 } },
    });
    expect(ofType(records, 'state').at(-1)).toMatchObject({ state: 'Ready' });
  });

  it('ends an activity at its deadline', async () => {
    const records = await terminated(run('sleep'), { deadline: Date.now() + 4000 });
    expect(reasonOf(records)).toMatchObject({ state: 'Terminated', reason: { code: 'Expired' } });
  });

  it('ends a flood, and keeps exactly what was agreed of it', async () => {
    const records = await terminated(run('flood'), { maxOutputBytes: 1_000_003 });
    expect(reasonOf(records)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'LimitExceeded', detail: { limit: 'output', limitValue: 1_000_003 } },
    });
    expect(ofType(records, 'command-finished').at(-1)!.result.stdout).toEqual({
      start: 0,
      end: 1_000_003,
      truncated: true,
    });
    expect(await wholeLog(units, 'a1', 'stdout')).toHaveLength(1_000_003);
  });

  it('lets a program that writes exactly as much as agreed end well', async () => {
    await units.create(specOf('a1', { maxOutputBytes: 100_000 }));
    await units.exec('a1', 'b1', script(run('flood', '100000'), { terminate: {} }));
    const records = await followToEnd(units, 'a1');
    expect(ofType(records, 'state').at(-1)).toMatchObject({ state: 'Completed' });
    expect(ofType(records, 'command-finished')[2]!.result.stdout).toEqual({ start: 0, end: 100_000 });
  });
});
