import { existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import { describeDocker } from '../../support/docker-engine.ts';
import { PrivateEngine } from '../../support/private-engine.ts';

const RUNSC = ['/usr/bin/runsc', '/usr/local/bin/runsc'].find(existsSync);
if (RUNSC === undefined) console.error('\n*** SKIPPED: runsc is not installed (Debian: runsc) ***\n');
const isSkipped = RUNSC === undefined && process.env['CI'] === undefined;

const engines: PrivateEngine[] = [];
const activities: DockerActivity[] = [];

async function activityWith(runtimeArgs: string[]): Promise<DockerActivity> {
  const engine = new PrivateEngine({ runtimes: { runsc: { path: RUNSC ?? 'runsc', runtimeArgs } } });
  engines.push(engine);
  await engine.start();
  const made = new DockerActivity({ socketPath: engine.socketPath, engineRuntime: 'runsc' });
  activities.push(made);
  return made;
}

afterEach(async () => {
  for (const made of activities.splice(0)) await made.remove().catch(() => undefined);
  for (const engine of engines.splice(0)) await engine.remove();
}, 120_000);

describeDocker('gVisor as the container runtime', () => {
  it.skipIf(isSkipped)(
    'runs, limits and kills like the engine’s own',
    async () => {
      // The old release of Debian 12 takes a new kernel's network for the host's.
      const it = await activityWith(['--host-fifo=open', '--network=none']);
      expect((await it.runtime.fingerprint()).properties).toMatchObject({ 'ergon.runtime.sandbox': 'runsc' });
      await it.start();
      expect((await it.run('dmesg | head -1; echo; exit 3')).stdout).toContain('gVisor');
      expect((await it.run('exit 3')).exit).toEqual({ kind: 'exited', code: 3 });
      expect((await it.run('kill -9 $$')).exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
      for (const attempt of ['rm /.ergon/init', 'mv /.ergon/stdout /golem/work', 'echo x > /.ergon/x']) {
        expect((await it.run(`${attempt} 2>/dev/null`)).exit, attempt).not.toEqual({
          kind: 'exited',
          code: 0,
        });
      }
      const flood = await it.launch({ entryPoint: 'cat', args: ['/dev/zero'] });
      await flood.signal('SIGKILL');
      expect(await flood.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
      expect((await it.run('head -c 30000000 /dev/zero > /golem/work/f')).exit).toMatchObject({
        limit: 'disk',
      });
      expect((await it.runtime.stats(it.handle)).cpuNs).toBeGreaterThan(0n);
      expect((await it.run('dd if=/dev/zero of=/dev/null bs=1G count=1')).exit).toMatchObject({
        limit: 'memory',
      });
    },
    120_000,
  );

  it.skipIf(isSkipped)('is not offered when it could not work', async () => {
    const it = await activityWith([]);
    const { available, notes } = await it.runtime.fingerprint();
    expect(available).toBe(false);
    expect(notes[0]).toContain('--host-fifo=open');
  });
});
