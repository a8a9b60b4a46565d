import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../runtimes/wasi/index.ts';
import { isErgonError } from '../../../src/interface/errors.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { moduleOf } from './modules.ts';
import { BEHAVE, groupsNamed, isAlive, MEMORY_BYTES, WasiActivity, wasiRuntime } from './wasi-activity.ts';

const activities: WasiActivity[] = [];
afterEach(async () => {
  for (const activity of activities.splice(0)) await activity.end();
});

function deployed(program: string | Uint8Array, runtime = wasiRuntime()): Promise<WasiActivity> {
  const activity = new WasiActivity(runtime);
  activities.push(activity);
  return activity.deploy(program);
}

const codeOf = (error: unknown): unknown => (isErgonError(error) ? error.code : error);

describe('how a program ends', () => {
  it('exactly as it says', async () => {
    const activity = await deployed(BEHAVE);
    for (const code of [0, 255, 256, 4_294_967_295]) {
      expect((await activity.run('exit', String(code))).exit).toEqual({ kind: 'exited', code });
    }
  });

  it('by a trap: as by an abort, with the reason on stderr', async () => {
    const UNREACHABLE = 0x00;
    const activity = await deployed(moduleOf({ start: [UNREACHABLE] }));
    const { exit, stderr } = await activity.run();
    expect(exit).toEqual({ kind: 'signaled', signal: 'SIGABRT' });
    expect(stderr).toMatch(/^wasm trap: .*unreachable/);
  });

  it('by recursion without end: a trap of the guest, not a fault of the host', async () => {
    const CALL_ITSELF = [0x10, 0];
    const activity = await deployed(moduleOf({ start: CALL_ITSELF }));
    const { exit, stderr } = await activity.run();
    expect(exit).toEqual({ kind: 'signaled', signal: 'SIGABRT' });
    expect(stderr).toContain('call stack');
  });

  it('for want of memory: with the figures, when it gives up', async () => {
    const { exit } = await (await deployed(BEHAVE)).run('allocate');
    expect(exit).toMatchObject({ kind: 'limit', limit: 'memory', limitValue: MEMORY_BYTES });
    expect(exit.kind === 'limit' && exit.observed).toBeGreaterThan(MEMORY_BYTES);
  });

  it('for want of memory, when it goes on and on without', async () => {
    const { exit } = await (await deployed(BEHAVE)).run('allocate', 'on');
    expect(exit).toMatchObject({ kind: 'limit', limit: 'memory' });
  });

  it('as it says, when it copes with a full memory', async () => {
    expect((await (await deployed(BEHAVE)).run('allocate', 'exit')).exit).toEqual({
      kind: 'exited',
      code: 3,
    });
  });

  it('by whoever reads its output failing, and is not left running', async () => {
    const activity = await deployed(BEHAVE);
    const running = await activity.launch(['flood'], () => {
      throw new Error('disk full');
    });
    const pid = activity.runnerPid;
    expect(await running.exit).toEqual({ kind: 'failed', message: 'disk full' });
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });
});

it('runs whole though its runner was killed while it waited, and the sandbox around it has not noticed yet', async () => {
  const activity = await deployed(BEHAVE);
  const pid = activity.runnerPid;
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  // The plain sandbox has no process around the guest's.
  const around = parent === process.pid ? pid : parent;
  process.kill(around, 'SIGSTOP');
  process.kill(pid, 'SIGKILL');
  const running = activity.run('exit', '3');
  process.kill(around, 'SIGCONT');
  expect((await running).exit).toEqual({ kind: 'exited', code: 3 });
});

describe('what is refused at deploy', () => {
  it.each([
    ['what the compiler refuses', moduleOf({ start: [0x6a] }), 'not valid'],
    [
      'what asks for another host',
      moduleOf({ imports: [['env', 'x', 0, 0]] }),
      'cannot be run: it imports `env.x`',
    ],
    ['what starts larger than it may be', moduleOf({ memory: [0, 0x81, 0x04] }), '33619968 bytes of memory'],
  ])('%s', async (_, bytes, message) => {
    const activity = new WasiActivity();
    activities.push(activity);
    const error = await activity.deploy(bytes).catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe('ERR_RUNTIME_PACKAGE');
    expect(String(error)).toContain(message);
    expect(groupsNamed(activity.activityId)).toEqual([]);
  });
});

describe('metering', () => {
  it('begins with the program, not with what was made ready for it', async () => {
    const activity = await deployed(BEHAVE);
    expect((await activity.runtime.stats(activity.handle)).cpuNs).toBe(0n);
    await activity.run('echo', 'x');
    const first = await activity.runtime.stats(activity.handle);
    expect(first.cpuNs).toBeGreaterThan(0n);
    await activity.run('echo', 'x');
    expect((await activity.runtime.stats(activity.handle)).cpuNs).toBeGreaterThan(first.cpuNs);
  });

  it('shows the disk as the program fills it', async () => {
    const activity = await deployed(BEHAVE);
    await activity.run('fill-disk', '/big');
    expect((await activity.runtime.stats(activity.handle)).diskBytes).toBe(1 << 20);
    fs.rmSync(path.join(activity.runtime.volumeRoot(activity.handle), 'big'));
    expect((await activity.runtime.stats(activity.handle)).diskBytes).toBe(0);
  });
});

describe('what is left behind', () => {
  it('is nothing: no process, no control group', async () => {
    const activity = await deployed(BEHAVE);
    const running = await activity.launch(['spin']);
    const pid = activity.runnerPid;
    expect(isAlive(pid)).toBe(true);
    await activity.runtime.destroy(activity.handle);
    await running.exit;
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    expect(groupsNamed(activity.activityId)).toEqual([]);
  });

  it('is nothing of a frozen program either', async () => {
    const activity = await deployed(BEHAVE);
    const running = await activity.launch(['spin']);
    await activity.runtime.suspend(activity.handle);
    await activity.runtime.destroy(activity.handle);
    expect(await running.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
    expect(groupsNamed(activity.activityId)).toEqual([]);
  });

  it('is ended by whoever recovers a deployment whose supervisor is gone', async () => {
    const activity = await deployed(BEHAVE);
    await activity.launch(['spin']);
    const pid = activity.runnerPid;
    expect(await wasiRuntime().recover(activity.handle)).toBe(false);
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    expect(groupsNamed(activity.activityId)).toEqual([]);
  });

  it.each(['bubblewrap', 'setpriv', 'permission'])(
    'is no running program after `kill -9` of its supervisor (%s)',
    async (sandbox) => {
      const supervisor = spawn(
        process.execPath,
        [path.join(import.meta.dirname, 'spinning-supervisor.ts'), BEHAVE, sandbox],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const line = await new Promise<string>((resolve) =>
        supervisor.stdout.once('data', (data) => resolve(String(data))),
      );
      const { pid, handle, workDir } = JSON.parse(line) as { pid: number; handle: string; workDir: string };
      expect(isAlive(pid)).toBe(true);
      supervisor.kill('SIGKILL');
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
      await wasiRuntime().destroy(handle);
      fs.rmSync(workDir, { recursive: true });
    },
  );
});

describe('the runtime', () => {
  it('says what confines a guest here', async () => {
    const { properties, notes } = await wasiRuntime({ sandbox: 'permission', cgroups: false }).fingerprint();
    expect(properties).toMatchObject({
      'ergon.runtime.sandbox': 'permission',
      'ergon.runtime.cgroup': 'none',
    });
    expect(notes.join()).toContain('bubblewrap');
    expect(notes.join()).toContain('no control groups');
  });

  it('checks its options', () => {
    const components = { descriptor: wasiRuntime().descriptor, clock: systemClock(), logger: silentLogger };
    const wrong = (): unknown => createRuntime({ sandbox: 'paper', other: 1 }, components);
    expect(wrong).toThrow(/options of the WASI runtime are wrong: .*sandbox/);
  });

  it('runs one command at a time', async () => {
    const activity = await deployed(BEHAVE);
    await activity.launch(['sleep']);
    expect(codeOf(await activity.run('echo').catch((error: unknown) => error))).toBe('ERR_RUNTIME_FAILED');
  });
});
