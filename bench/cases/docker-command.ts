import { BenchActivity, provider } from '../support/activities.ts';
import type { Bench } from '../support/bench.ts';
import { compare } from '../support/compare.ts';
import { bareContainer, bareExec, busybox, whyNoDocker } from '../support/docker.ts';

const MB = 1_000_000;

export const bench: Bench = {
  name: 'docker-command',
  ours: 'a command in a running container activity, until its result is in the journal and its output in the durable log',
  floor: 'bare docker exec of the same command, attached, its output only read',
  lacks: whyNoDocker,
  run: async (context) => {
    const units = await provider(context, {});
    const { program, image } = await busybox(context);
    const activity = await BenchActivity.started(units, program);
    context.defer(() => activity.dispose());
    const container = await bareContainer(image, 'sleep', '1000000');
    context.defer(() => container.remove({ force: true }));
    await container.start();

    const { quick } = context;
    const bytes = quick ? 10 * MB : 100 * MB;
    const flood = ['head', '-c', String(bytes), '/dev/zero'] as const;
    return [
      await compare(
        'true',
        { samples: quick ? 3 : 40, warmUp: 2 },
        { run: () => activity.run('true') },
        {
          run: async () => {
            await bareExec(container, 'true');
          },
        },
      ),
      await compare(
        `${bytes / MB} MB of stdout`,
        { samples: quick ? 1 : 5, warmUp: 1, bytes },
        { run: () => activity.run(...flood) },
        {
          run: async () => {
            if ((await bareExec(container, ...flood)) < bytes) throw new Error('bytes are missing');
          },
        },
      ),
    ];
  },
};
