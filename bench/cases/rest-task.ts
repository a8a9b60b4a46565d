import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalNode } from '../../scripts/local-node.ts';
import type { TaskRecord } from '../../src/interface/task.ts';
import type { Bench, BenchContext } from '../support/bench.ts';
import { startChild } from '../support/child.ts';
import { compare } from '../support/compare.ts';
import { httpLoad, type HttpLoad } from '../support/http-load.ts';
import { WORKLOAD } from '../support/paths.ts';

const CONNECTIONS = 32;

export const bench: Bench = {
  name: 'rest-task',
  ours: `GET /v1/tasks/{taskId} of a finished task from a real daemon, with an app-key, on ${CONNECTIONS} connections`,
  floor: 'the same bytes from a bare Fastify server in another process, likewise',
  run: async (context) => {
    const { node, taskId } = await finishedTask(context);
    const load = await httpLoad(
      new URL(`/v1/tasks/${taskId}`, node.url),
      { authorization: `Bearer ${node.appKey}` },
      CONNECTIONS,
    );
    context.defer(() => load.close());
    const bare = await bareServer(await load.get(), taskId, context);
    const { quick } = context;
    const operations = quick ? 500 : 2000;
    return [
      await compare(
        'GET',
        { samples: quick ? 3 : 25, warmUp: quick ? 1 : 4, operations },
        { run: () => load.run(operations) },
        { run: () => bare.run(operations) },
      ),
    ];
  },
};

async function finishedTask({ dir, defer }: BenchContext): Promise<{ node: LocalNode; taskId: string }> {
  const provider = await LocalNode.start(join(dir, 'provider'), { name: 'provider' });
  defer(() => provider.stop());
  const node = await LocalNode.start(join(dir, 'requestor'), {
    name: 'requestor',
    network: { bootstrap: (await provider.info()).multiaddrs },
    provider: { enabled: false },
    api: { rateLimitPerMinute: Number.MAX_SAFE_INTEGER },
  });
  defer(() => node.stop());
  const { hash } = await node.upload('packages', await readFile(WORKLOAD));
  const { taskId } = await node.call<TaskRecord>('POST', '/v1/tasks', {
    package: hash,
    entryPoint: 'workload',
    args: ['hello'],
    limits: { memoryBytes: 64 << 20, storageBytes: 16 << 20, wallTimeMs: 60_000 },
    budget: '1',
  });
  await node.until('the task', async () => {
    const { state, attempts } = await node.call<TaskRecord>('GET', `/v1/tasks/${taskId}`);
    if (state === 'Failed') throw new Error('the task has failed');
    return state === 'Succeeded' && attempts.every(({ phase }) => phase === 'Done') ? state : undefined;
  });
  return { node, taskId };
}

async function bareServer(body: string, taskId: string, { defer }: BenchContext): Promise<HttpLoad> {
  const child = await startChild<object>('bare-fastify', []);
  defer(() => child.stop());
  const listening = once(child.process, 'message') as Promise<[{ url: string }]>;
  child.process.send(body);
  const [{ url }] = await listening;
  const load = await httpLoad(new URL(`/v1/tasks/${taskId}`, url), {}, CONNECTIONS);
  defer(() => load.close());
  if ((await load.get()) !== body) throw new Error('the floor does not return the same bytes');
  return load;
}
