import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import {
  describeDocker,
  dockerRuntime,
  engineReply,
  makePlace,
  removePlace,
  shell,
  type Place,
} from '../../support/docker-engine.ts';
import { PrivateEngine } from '../../support/private-engine.ts';

const SUPERVISOR = fileURLToPath(new URL('../../support/docker-supervisor.ts', import.meta.url));
const engines: PrivateEngine[] = [];
const activities: DockerActivity[] = [];

async function engineWith(config: Record<string, unknown> = {}): Promise<PrivateEngine> {
  const engine = new PrivateEngine(config);
  engines.push(engine);
  await engine.start();
  return engine;
}

function activityIn(
  engine: PrivateEngine,
  options: Record<string, unknown> = {},
  place?: Place,
): DockerActivity {
  const made = new DockerActivity({ socketPath: engine.socketPath, ...options }, place);
  activities.push(made);
  return made;
}

afterEach(async () => {
  for (const made of activities.splice(0)) await made.remove().catch(() => undefined);
  for (const engine of engines.splice(0)) await engine.remove();
}, 120_000);

describeDocker('an engine that goes away', () => {
  it('takes nothing from a command where it lets containers live, and is found again', async () => {
    const engine = await engineWith({ 'live-restore': true });
    const it = await activityIn(engine).start();
    let bytes = 0;
    const command = shell(
      'while [ ! -e /golem/work/go ]; do head -c 1000 /dev/zero; sleep 0.01; done; exit 7',
    );
    const running = await it.launch(command, (chunk) => (bytes += chunk.length));
    await engine.kill();
    const atKill = bytes;
    await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(atKill);
    const before = await it.runtime.stats(it.handle);
    await engine.start();
    // Another supervisor could take the container over; this one needs not even notice.
    writeFileSync(`${it.runtime.volumeRoot(it.handle)}/golem/work/go`, '');
    expect(await running.exit).toEqual({ kind: 'exited', code: 7 });
    expect((await it.runtime.stats(it.handle)).cpuNs).toBeGreaterThanOrEqual(before.cpuNs);
    expect((await it.run('echo after')).stdout).toBe('after\n');
    await it.runtime.destroy(it.handle);
  }, 120_000);

  it('ends the command honestly where containers end with it', async () => {
    const engine = await engineWith();
    const it = await activityIn(engine).start();
    const running = await it.launch(shell('sleep 100000'));
    await engine.kill();
    await engine.start();
    expect(await running.exit).toEqual({
      kind: 'failed',
      message: 'The container ended while the command was running',
    });
    expect(await dockerRuntime({ socketPath: engine.socketPath }).recover(it.handle)).toBe(false);
    expect((await it.runtime.stats(it.handle)).cpuNs).toBeGreaterThanOrEqual(0n);
    await it.runtime.destroy(it.handle);
  }, 120_000);

  it('is unknown, never gone: what would say so fails as unreachable', async () => {
    const engine = await engineWith();
    const it = await activityIn(engine, { enginePatienceMs: 300 }).start();
    await engine.kill();
    const unreachable = { code: 'ERR_RUNTIME_ENGINE_UNREACHABLE' };
    await expect(it.runtime.recover(it.handle)).rejects.toMatchObject(unreachable);
    await expect(it.runtime.destroy(it.handle)).rejects.toMatchObject(unreachable);
    await expect(it.runtime.suspend(it.handle)).rejects.toMatchObject(unreachable);
    await expect(activityIn(engine, { enginePatienceMs: 0 }).deploy()).rejects.toMatchObject(unreachable);
    const { available, notes } = await it.runtime.fingerprint();
    expect({ available, notes: notes.length }).toEqual({ available: false, notes: 1 });
    // What needs no engine goes on.
    expect((await it.run('echo still running')).stdout).toBe('still running\n');
    await engine.start();
    await it.runtime.destroy(it.handle);
  }, 120_000);

  it('is waited for while it is away', async () => {
    const engine = await engineWith({ 'live-restore': true });
    const it = await activityIn(engine).start();
    await engine.kill();
    const suspending = it.runtime.suspend(it.handle);
    await engine.start();
    await suspending;
    await it.runtime.resume(it.handle);
    await it.runtime.destroy(it.handle);
  }, 120_000);
});

describeDocker('containers and their supervisors', () => {
  /** Kills a supervisor in the middle of a command; its container would end by itself after `graceSeconds`. */
  async function orphan(
    engine: PrivateEngine,
    graceSeconds: number,
  ): Promise<{ handle: string; place: Place }> {
    const place = makePlace();
    const args = [SUPERVISOR, engine.socketPath, place.workDir, place.packagePath, String(graceSeconds)];
    const supervisor = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [handle] = await once(supervisor.stdout, 'data');
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    return { handle: String(handle), place };
  }

  it('are taken over by another supervisor, with the command that nobody reads ended', async () => {
    const engine = await engineWith();
    const { handle, place } = await orphan(engine, 600);
    const other = dockerRuntime({ socketPath: engine.socketPath });
    expect(await other.recover(handle)).toBe(true);
    let text = '';
    const running = await other.run(
      handle,
      { ...shell('ps; echo taken over'), env: {} },
      {
        stdout: async (chunk) => void (text += Buffer.from(chunk).toString()),
        stderr: async () => undefined,
      },
    );
    expect(await running.exit).toEqual({ kind: 'exited', code: 0 });
    expect(text).toContain('taken over');
    expect(text).not.toContain('sleep 100000');
    await other.destroy(handle);
    expect(await other.recover(handle)).toBe(false);
    removePlace(place);
  }, 120_000);

  it('end some time after their supervisor is gone', async () => {
    const engine = await engineWith();
    const { handle, place } = await orphan(engine, 1);
    const { container } = JSON.parse(handle);
    const status = async (): Promise<unknown> => {
      const { body } = await engineReply('GET', `/containers/${container}/json`, engine.socketPath);
      return JSON.parse(body).State.Status as unknown;
    };
    await expect.poll(status, { timeout: 30_000 }).toBe('exited');
    await dockerRuntime({ socketPath: engine.socketPath }).destroy(handle);
    removePlace(place);
  }, 120_000);

  it('are killed with the activity though the engine has forgotten that they run', async () => {
    const place = makePlace();
    const container = 'c'.repeat(64);
    const cgroupRoot = join(place.root, 'cgroup');
    const forgotten = spawn('sleep', ['1000']);
    for (const [file, text] of [
      ['memory/docker/ID/memory.usage_in_bytes', '0'],
      ['memory/docker/ID/cgroup.procs', `0\n${String(forgotten.pid)}`],
      ['cpuacct/docker/ID/cpuacct.usage', '0'],
    ] as const) {
      const path = join(cgroupRoot, file.replace('ID', container));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const limits = { memoryBytes: 1 << 26, storageBytes: 1 << 20, pidsLimit: 10 };
    const handle = {
      version: 1,
      container,
      workDir: place.workDir,
      ...limits,
      uid: 1,
      gid: 1,
      volume: 'measured',
    };
    const ended = once(forgotten, 'exit');
    await dockerRuntime({ cgroupRoot }).destroy(JSON.stringify(handle));
    expect(await ended).toEqual([null, 'SIGKILL']);
    removePlace(place);
  });

  it('are reaped when their activity has ended, or after a grace when there is none, and never another node’s', async () => {
    const engine = await engineWith();
    const inPlace = async (activityId: string, nodeId: string, place: Place): Promise<DockerActivity> => {
      const workDir = join(place.root, 'activities', activityId);
      mkdirSync(workDir, { recursive: true });
      return activityIn(engine, {}, place).deploy({ activityId, nodeId, agreementId: 'a', workDir });
    };
    const place = makePlace();
    const mine = await inPlace('mine', 'node-1', place);
    const lost = await inPlace('lost', 'node-1', place);
    const ended = await inPlace('ended', 'node-1', place);
    const foreign = await inPlace('lost', 'node-2', makePlace());
    // The same node in another data directory.
    const elsewhere = await inPlace('lost', 'node-1', makePlace());
    const { runtime } = mine;
    const reap = (graceMs: number): Promise<unknown> | undefined =>
      runtime.reap?.({
        nodeId: 'node-1',
        activitiesDirectory: join(place.root, 'activities'),
        graceMs,
        standingOf: async (activityId) =>
          activityId === 'mine' ? 'live' : activityId === 'ended' ? 'ended' : 'unknown',
      });
    const mountsLeft = (): string[] =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .flatMap((line) => line.split(' ')[4] ?? [])
        .filter((path) =>
          ['lost', 'ended'].some((id) => path === join(place.root, 'activities', id, 'volumes')),
        );
    const mounts = mountsLeft();
    expect(await reap(3_600_000)).toEqual({ removed: [ended.container, ...mounts] });
    expect(await reap(0)).toEqual({ removed: [lost.container] });
    expect(mountsLeft()).toEqual([]);
    const status = async ({ container }: DockerActivity): Promise<number> =>
      (await engineReply('GET', `/containers/${container}/json`, engine.socketPath)).status;
    const found = await Promise.all([mine, lost, ended, foreign, elsewhere].map(status));
    expect(found).toEqual([200, 404, 404, 200, 200]);
    const { body } = await engineReply('GET', `/containers/${mine.container}/json`, engine.socketPath);
    expect(JSON.parse(body).Config.Labels).toMatchObject({
      'ergon.node': 'node-1',
      'ergon.agreement': 'a',
      'ergon.activity': 'mine',
      'ergon.attempt': '1',
    });
    await engine.kill();
    await expect(reap(0)).rejects.toMatchObject({ code: 'ERR_RUNTIME_ENGINE_UNREACHABLE' });
    await engine.start();
  }, 120_000);
});
