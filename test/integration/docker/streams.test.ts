import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import { describeDocker, shell } from '../../support/docker-engine.ts';

const activities: DockerActivity[] = [];
const started = async (): Promise<DockerActivity> => {
  const made = new DockerActivity();
  activities.push(made);
  return made.start();
};

afterEach(async () => {
  for (const made of activities.splice(0)) await made.remove();
});

const BYTES = 100_000_000;

describeDocker('streams of a container', () => {
  it('delivers 100 MB byte for byte', async () => {
    const it = await started();
    const hash = createHash('sha256');
    let bytes = 0;
    const running = await it.launch(shell(`seq 1 100000000 | head -c ${BYTES}`), (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    expect(await running.exit).toEqual({ kind: 'exited', code: 0 });
    expect(bytes).toBe(BYTES);
    expect(hash.digest('hex')).toBe(hashOfSequence());
  });

  it('loses nothing of a command that ended long before its output was read', async () => {
    const it = await started();
    const { promise: gate, resolve: open } = Promise.withResolvers<undefined>();
    let bytes = 0;
    const running = await it.runtime.run(
      it.handle,
      { ...shell('head -c 60000 /dev/zero; exit 3'), env: {} },
      {
        stdout: async (chunk) => {
          await gate;
          bytes += chunk.length;
        },
        stderr: async () => undefined,
      },
    );
    // Until its end nothing else runs but init.
    await expect.poll(() => processesOf(it), { timeout: 10_000 }).toBe(1);
    open(undefined);
    expect(await running.exit).toEqual({ kind: 'exited', code: 3 });
    expect(bytes).toBe(60_000);
  });

  it('keeps two streams apart, in order, whatever bytes they have', async () => {
    const it = await started();
    const { stdout, stderr } = await it.run(
      'for i in 1 2 3; do printf "out\\000\\377$i"; printf "err\\000\\376$i" >&2; done',
    );
    expect(stdout).toBe('out\0\xff1out\0\xff2out\0\xff3');
    expect(stderr).toBe('err\0\xfe1err\0\xfe2err\0\xfe3');
  });

  it('is not held up by a flood when it kills', async () => {
    const it = await started();
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      let bytes = 0;
      const { promise: flowing, resolve } = Promise.withResolvers<undefined>();
      const running = await it.launch(shell('cat /dev/zero & cat /dev/zero >&2 & cat /dev/zero'), (chunk) => {
        bytes += chunk.length;
        if (bytes > 10_000_000) resolve(undefined);
      });
      await flowing;
      await running.signal(signal);
      expect(await running.exit).toEqual({ kind: 'signaled', signal });
    }
    const flood = await it.launch(shell('cat /dev/zero'));
    await it.runtime.destroy(it.handle);
    expect((await flood.exit).kind).not.toBe('exited');
  });

  it('ends a command whose reader fails', async () => {
    const it = await started();
    const running = await it.runtime.run(
      it.handle,
      { ...shell('cat /dev/zero'), env: {} },
      { stdout: async () => Promise.reject(new Error('the disk is full')), stderr: async () => undefined },
    );
    expect(await running.exit).toEqual({ kind: 'failed', message: 'the disk is full' });
    expect((await it.run('echo next')).stdout).toBe('next\n');
  });
});

async function processesOf({ runtime, handle }: DockerActivity): Promise<number> {
  const container: string = JSON.parse(handle).container;
  const file = ['/sys/fs/cgroup/pids/docker', '/sys/fs/cgroup/system.slice', '/sys/fs/cgroup/docker']
    .flatMap((place) => [`${place}/${container}`, `${place}/docker-${container}.scope`])
    .map((place) => `${place}/pids.current`)
    .find(existsSync);
  await runtime.stats(handle);
  return file === undefined ? 1 : Number(readFileSync(file, 'utf8'));
}

/** Of what `seq 1 100000000 | head -c BYTES` prints. */
function hashOfSequence(): string {
  const hash = createHash('sha256');
  let left = BYTES;
  for (let next = 1; left > 0;) {
    let text = '';
    for (let line = 0; line < 10_000; line += 1) text += `${next++}\n`;
    hash.update(text.slice(0, left));
    left -= text.length;
  }
  return hash.digest('hex');
}
