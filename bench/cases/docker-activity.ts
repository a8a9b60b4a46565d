import { BenchActivity, provider } from '../support/activities.ts';
import type { Bench } from '../support/bench.ts';
import { compare, type Subject } from '../support/compare.ts';
import { bareContainer, busybox, whyNoDocker } from '../support/docker.ts';

export const bench: Bench = {
  name: 'docker-activity',
  ours: 'a container activity under a warm supervisor: created, deployed, a command run, ended, and nothing left',
  floor: 'a bare container of the same image: created, started, waited for, removed',
  lacks: whyNoDocker,
  run: async (context) => {
    const units = await provider(context, { docker: 1 });
    const { program, image } = await busybox(context);
    const ours: Subject = {
      prepare: () => units.warmed(),
      run: async () => {
        await (await BenchActivity.whole(units, program, { entry_point: 'true' })).dispose();
      },
    };
    const floor: Subject = {
      run: async () => {
        const container = await bareContainer(image, 'true');
        await container.start();
        await container.wait();
        await container.remove();
      },
    };
    return [await compare('create to gone', { samples: context.quick ? 2 : 15, warmUp: 1 }, ours, floor)];
  },
};
