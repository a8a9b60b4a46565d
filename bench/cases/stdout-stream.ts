import { inActivity, programAt, provider } from '../support/activities.ts';
import type { Bench } from '../support/bench.ts';
import { startChild, type Child } from '../support/child.ts';
import { compare, type Subject } from '../support/compare.ts';
import { expectBytes } from '../support/expect-bytes.ts';
import { BEHAVE } from '../support/paths.ts';

const MB = 1_000_000;

export const bench: Bench = {
  name: 'stdout-stream',
  ours: 'stdout of a WASI activity: through its supervisor into the durable log, and read from there meanwhile, to its end',
  floor: 'stdout of the same program in a bare Node process: read from its pipe',
  run: async (context) => {
    const bytes = context.quick ? 10 * MB : 100 * MB;
    const units = await provider(context);
    const program = await programAt(BEHAVE);
    const ours = inActivity(units, program, async (activity) =>
      expectBytes(await activity.runAndRead('behave', 'flood', String(bytes)), bytes),
    );
    const { quick } = context;
    const trial = { samples: quick ? 2 : 7, warmUp: 1, bytes };
    return [await compare(`${bytes / MB} MB`, trial, ours, barePipe(bytes))];
  },
};

function barePipe(bytes: number): Subject {
  let child: Child<object>;
  return {
    prepare: async () => {
      child = await startChild('wasi-run', [BEHAVE, 'behave', 'flood', String(bytes)], 'pipe');
    },
    run: async () => {
      let read = 0;
      child.process.send('go');
      for await (const chunk of child.process.stdout ?? []) read += (chunk as Buffer).length;
      expectBytes(read, bytes);
    },
    after: () => child.stop(),
  };
}
