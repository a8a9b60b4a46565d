import { inActivity, provider } from '../support/activities.ts';
import type { Bench } from '../support/bench.ts';
import { compare, type Subject } from '../support/compare.ts';
import { bareAttach, busybox, whyNoDocker } from '../support/docker.ts';
import { expectBytes } from '../support/expect-bytes.ts';

const MB = 1_000_000;

export const bench: Bench = {
  name: 'docker-stream',
  ours: 'stdout of a container activity: through its supervisor into the durable log, and read from there meanwhile, to its end',
  floor:
    'stdout of the same program in a bare container without a log: read from an attached stream of the engine',
  lacks: whyNoDocker,
  run: async (context) => {
    const { quick } = context;
    const bytes = quick ? 10 * MB : 100 * MB;
    const units = await provider(context, { docker: 1 });
    const { program, image } = await busybox(context);
    const flood = ['head', '-c', String(bytes), '/dev/zero'] as const;
    const ours = inActivity(units, program, async (activity) =>
      expectBytes(await activity.runAndRead(...flood), bytes),
    );
    const trial = { samples: quick ? 2 : 9, warmUp: 1, bytes };
    return [await compare(`${bytes / MB} MB`, trial, ours, attached(image, flood.join(' '), bytes))];
  },
};

function attached(image: string, command: string, bytes: number): Subject {
  let bare: Awaited<ReturnType<typeof bareAttach>>;
  return {
    prepare: async () => {
      bare = await bareAttach(image, command);
    },
    run: async () => {
      let read = 0;
      bare.go();
      for await (const chunk of bare.output) read += chunk.length;
      expectBytes(read, bytes);
    },
    after: () => bare.container.remove({ force: true }),
  };
}
