import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FUEL_COUNTER } from '../../src/interface/usage-counters.ts';
import { inActivity, programAt, provider, type BenchProgram } from '../support/activities.ts';
import type { Bench, BenchContext } from '../support/bench.ts';
import { compare, type Comparison, type Subject } from '../support/compare.ts';
import { COMPUTE, COMPUTE_SOURCE } from '../support/paths.ts';

const run = promisify(execFile);
const COMPILER = 'cc';

/** By what they do: so much of it that starting a process is nothing against it. */
const WORK = { matrices: 100, checksum: 400, calls: 41 };
const QUICK_WORK = { matrices: 4, checksum: 20, calls: 30 };

export const bench: Bench = {
  name: 'wasi-compute',
  ours: 'a C program that computes, as a command of a WASI activity: from `run` to its result; bare, and with its fuel metered',
  floor: 'the same source compiled for this machine with -O2, as a process: from its start to its end',
  lacks: async () => {
    const found = await run(COMPILER, ['--version']).catch(() => undefined);
    return found === undefined ? `there is no C compiler (${COMPILER})` : undefined;
  },
  run: async (context) => {
    const native = join(context.dir, 'compute');
    await run(COMPILER, ['-O2', '-o', native, COMPUTE_SOURCE]);
    const units = await provider(context);
    const program = await programAt(COMPUTE);
    const metered = { ...program, counters: [FUEL_COUNTER] };
    const comparisons: Comparison[] = [];
    for (const [what, amount] of Object.entries(context.quick ? QUICK_WORK : WORK)) {
      const args = [what, String(amount)];
      const floor: Subject = {
        run: async () => {
          await run(native, args);
        },
      };
      const command = (of: BenchProgram): Subject =>
        inActivity(units, of, (activity) => activity.run('compute', ...args));
      const against = (name: string, ours: Subject): Promise<Comparison> =>
        compare(name, trialOf(context), ours, floor);
      comparisons.push(await against(what, command(program)));
      comparisons.push(await against(`${what}, metered`, command(metered)));
    }
    return comparisons;
  },
};

const trialOf = ({ quick }: BenchContext) => ({ samples: quick ? 2 : 5, warmUp: 1 });
