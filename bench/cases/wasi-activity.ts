import { once } from 'node:events';
import { BenchActivity, programAt, provider } from '../support/activities.ts';
import type { Bench } from '../support/bench.ts';
import { startChild, type Child } from '../support/child.ts';
import { compare, type Subject } from '../support/compare.ts';
import { WORKLOAD } from '../support/paths.ts';

export const bench: Bench = {
  name: 'wasi-activity',
  ours: 'a WASI activity under a warm supervisor, in its sandbox: from create to its first output in the log',
  floor: 'a waiting bare Node process with the same module in memory: from a word to it to its first output',
  run: async (context) => {
    const units = await provider(context);
    const program = await programAt(WORKLOAD);
    let activity: BenchActivity;
    const ours: Subject = {
      prepare: () => units.warmed(),
      run: async () => {
        activity = await BenchActivity.whole(units, program, { entry_point: 'workload', args: ['hello'] });
        await activity.firstOutput();
      },
      after: () => activity.dispose(),
    };
    const { quick } = context;
    return [await compare('create to output', { samples: quick ? 3 : 30, warmUp: 2 }, ours, bareRun())];
  },
};

function bareRun(): Subject {
  let child: Child<object>;
  return {
    prepare: async () => {
      child = await startChild('wasi-run', [WORKLOAD, 'workload', 'hello'], 'pipe');
    },
    run: async () => {
      const { stdout } = child.process;
      if (stdout === null) throw new Error('the bare run has no stdout');
      child.process.send('go');
      await once(stdout, 'data');
    },
    after: () => child.stop(),
  };
}
