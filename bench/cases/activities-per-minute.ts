import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { BenchActivity, programAt, provider, type BenchProgram } from '../support/activities.ts';
import type { Bench, BenchContext } from '../support/bench.ts';
import { startChild } from '../support/child.ts';
import { compare, comparison, type Comparison } from '../support/compare.ts';
import { keptMemory, memoryOf } from '../support/memory.ts';
import { WORKLOAD } from '../support/paths.ts';

const AT_ONCE = 4;

export const bench: Bench = {
  name: 'activities-per-minute',
  ours: `whole lives of WASI activities, ${AT_ONCE} at a time: created, run, ended, disposed of; memory of the process that has them made, after all of them; and memory of a supervisor whose program waits`,
  floor:
    'as many bare Node processes that run the same module once; memory of that process after the first of them; and of a bare Node process that waits',
  run: async (context) => {
    const units = await provider(context, { wasi: AT_ONCE });
    const program = await programAt(WORKLOAD);
    const early: number[] = [];
    const late: number[] = [];
    const operations = context.quick ? AT_ONCE : 6 * AT_ONCE;
    const trial = { samples: context.quick ? 2 : 8, warmUp: 1, operations };
    const lives = await compare(
      `${AT_ONCE} at a time`,
      trial,
      {
        run: () => atATime(operations, () => oneLife(units, program)),
        after: async () => {
          (early.length === 0 ? early : late).push(keptMemory());
        },
      },
      { run: () => atATime(operations, bareLife) },
    );
    const grown = comparison(
      'memory, late over early',
      { samples: late.length, warmUp: 1, unit: 'bytes' },
      late,
      late.map(() => early[0] ?? NaN),
    );
    return [lives, grown, await supervisors(context, units, program)];
  },
};

async function atATime(count: number, work: () => Promise<void>): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

type Units = Awaited<ReturnType<typeof provider>>;

async function oneLife(units: Units, program: BenchProgram): Promise<void> {
  const run = { entry_point: 'workload', args: ['hello'] };
  await (await BenchActivity.whole(units, program, run)).dispose();
}

async function bareLife(): Promise<void> {
  const child = await startChild<object>('wasi-run', [WORKLOAD, 'workload', 'hello']);
  child.process.send('go');
  await child.stop();
}

/** Each while its program waits. */
async function supervisors(
  { dir, quick }: BenchContext,
  units: Units,
  program: BenchProgram,
): Promise<Comparison> {
  const ours: number[] = [];
  const floor: number[] = [];
  for (let sample = 0; sample < (quick ? 1 : 5); sample += 1) {
    const activity = new BenchActivity(units, program);
    await activity.create();
    await activity.exec([
      { deploy: {} },
      { start: {} },
      { run: { entry_point: 'workload', args: ['tick', '20', '100'] } },
    ]);
    await activity.firstOutput();
    const child = await startChild<object>('wasi-run', [WORKLOAD]);
    await sleep(200);
    const file = join(dir, 'provider', 'activities', activity.id, 'supervisor.json');
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    ours.push(memoryOf(pid));
    floor.push(memoryOf(child.process.pid ?? 0));
    await child.stop();
    await activity.dispose();
  }
  return comparison(
    'memory of a supervisor',
    { samples: ours.length, warmUp: 0, unit: 'bytes' },
    ours,
    floor,
  );
}
