import { readFileSync } from 'node:fs';
import { createRuntime } from '../../runtimes/docker/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

/* A supervisor for tests to kill: starts a container and a command in it that never ends, and prints the handle. */

const [, , socketPath = '', workDir = '', packagePath = '', grace = '1'] = process.argv;
const descriptor = JSON.parse(
  readFileSync(new URL('../../runtimes/docker/descriptor.json', import.meta.url), 'utf8'),
);
const runtime = createRuntime(
  { socketPath, orphanGraceSeconds: Number(grace) },
  { descriptor, clock: systemClock(), logger: silentLogger },
);
const resources = { cpuThreads: 1, memoryBytes: 64 << 20, storageBytes: 8 << 20 };
const handle = await runtime.deploy({ activityId: 'orphan', workDir, packagePath, env: {}, resources });
await runtime.start(handle, []);
await runtime.run(
  handle,
  { entryPoint: 'sleep', args: ['100000'], env: {} },
  { stdout: async () => undefined, stderr: async () => undefined },
);
process.stdout.write(handle);
setInterval(() => undefined, 60_000);
