import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ExeUnits } from '../../../src/interface/exe-unit.ts';
import { ownIdentity } from '../../../src/exe-unit/process-identity.ts';
import { itAsRoot } from '../../support/as-root.ts';
import {
  exeUnitsForEach,
  followToEnd,
  followUntil,
  ofType,
  processesWith,
  realExeUnits,
  removeProcesses,
  run,
  script,
  specOf,
  supervisorPids,
  temporaryDataDir,
  wholeLog,
} from '../../support/exe-units.ts';

const DAEMON = fileURLToPath(new URL('../../support/exe-units-daemon.ts', import.meta.url));
const lost = { code: 'SupervisorLost', message: 'the supervisor of the activity is dead' };

let dataDir: string;
let units: ExeUnits;
exeUnitsForEach((made) => ({ dataDir, units } = made), { isStarted: false });

function pidOf(activityId: string): number {
  return Number(
    JSON.parse(readFileSync(join(dataDir, 'activities', activityId, 'supervisor.json'), 'utf8')).pid,
  );
}

/** A daemon process that has started this and is then killed. */
async function killedDaemon(activityId: string, behaviour: string, ...args: string[]): Promise<void> {
  const daemon = spawn(process.execPath, [DAEMON, dataDir, activityId, behaviour, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(daemon.stdout, 'data');
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
}

function isRunning(record: { type: string; state?: string }): boolean {
  return record.type === 'state' && record.state === 'Running';
}

function markerOf(handle: string): string {
  return String(JSON.parse(handle).marker);
}

function workloadsOf(marker: string): number[] {
  return processesWith((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker));
}

describe('death and recovery', () => {
  it('does not notice that its daemon was killed: same process, whole output, nothing run twice', async () => {
    await killedDaemon('a1', 'flood', '900000');
    await units.start();
    const pid = pidOf('a1');
    expect(await units.status('a1')).toBe('alive');
    const records = await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    expect(ofType(records, 'command-started')).toHaveLength(3);
    expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
      result: 'Ok',
      stdout: { start: 0, end: 900_000 },
    });
    expect(await wholeLog(units, 'a1', 'stdout')).toHaveLength(900_000);
    expect(pidOf('a1')).toBe(pid);
    await units.exec('a1', 'b2', [{ terminate: {} }]);
    expect(ofType(await followToEnd(units, 'a1'), 'state').at(-1)).toMatchObject({ state: 'Completed' });
  });

  const entries = (): string[] => {
    const activities = join(dataDir, 'activities');
    return existsSync(activities) ? readdirSync(activities) : [];
  };
  const journalHas = (text: string): boolean => {
    const journal = join(dataDir, 'activities', 'a1', 'journal.ndjson');
    return existsSync(journal) && readFileSync(journal, 'utf8').includes(text);
  };
  it.each<[string, () => boolean]>([
    ['a supervisor is being launched', () => entries().some((name) => name.startsWith('.warm-'))],
    [
      'a supervisor is there',
      () => entries().some((name) => existsSync(join(dataDir, 'activities', name, 'supervisor.json'))),
    ],
    ['the activity has its directory', () => entries().includes('a1')],
    ['the batch is journaled', () => journalHas('"batch"')],
    ['the program runs', () => journalHas('"state":"Running"')],
    ['the batch has finished', () => journalHas('"batch-finished"')],
  ])('creates and runs once, whatever a daemon had done when it was killed: %s', async (_, moment) => {
    const daemon = spawn(process.execPath, [DAEMON, dataDir, 'a1', 'echo', 'once'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    while (!moment()) await new Promise((resolve) => setImmediate(resolve));
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    await units.start();
    await units.create(specOf('a1'));
    await units.exec('a1', 'batch-1', script(run('echo', 'once')));
    const records = await followUntil(units, 'a1', (record) => record.type === 'batch-finished');
    expect(ofType(records, 'batch')).toHaveLength(1);
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('once\n');
    await expect.poll(() => supervisorPids(dataDir), { timeout: 20_000 }).toEqual([pidOf('a1')]);
    await units.end('a1', 'Completed');
    await expect.poll(() => entries(), { timeout: 20_000 }).toEqual(['a1']);
  });

  it('lets idle supervisors die with their daemon, and leaves no directory of theirs', async () => {
    await killedDaemon('a1', 'sleep');
    await expect.poll(() => supervisorPids(dataDir), { timeout: 20_000 }).toEqual([pidOf('a1')]);
    await expect.poll(() => readdirSync(join(dataDir, 'activities')), { timeout: 20_000 }).toEqual(['a1']);
    await units.end('a1', 'Terminated', { code: 'ProviderRestart', message: 'the test is over' });
  });

  it('keeps a need open over a restart of the daemon', async () => {
    const bytes = 'brought by the second daemon';
    const hash = createHash('sha256').update(bytes).digest('hex');
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script({ run: { entry_point: 'cat', stdin: `sha256:${hash}` } }));
    await followUntil(units, 'a1', (record) => record.type === 'need');
    const second = await realExeUnits(dataDir);
    const needs = ofType(await followUntil(second, 'a1', (record) => record.type === 'need'), 'need');
    expect(needs.map((need) => need.hash)).toEqual([`sha256:${hash}`]);
    writeFileSync(join(dataDir, 'blob'), bytes);
    await second.provide('a1', `sha256:${hash}`, { path: join(dataDir, 'blob') });
    await followUntil(second, 'a1', (record) => record.type === 'batch-finished');
    expect((await wholeLog(second, 'a1', 'stdout')).toString()).toBe(bytes);
    await second.end('a1', 'Completed');
  });

  it.each(['spin', 'stubborn'])(
    'takes a %s workload with it when it is killed; the journal is closed honestly',
    async (behaviour) => {
      await units.start();
      await units.create(specOf('a1'));
      await units.exec('a1', 'b1', script(run('echo', 'before'), run(behaviour)));
      const before = await followUntil(units, 'a1', (record) => isRunning(record) && record.seq > 17);
      const marker = markerOf(ofType(before, 'handle')[0]!.handle);
      await expect.poll(() => workloadsOf(marker).length, { timeout: 20_000 }).toBeGreaterThan(0);
      await expect(units.close('a1', lost)).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_ALIVE' });

      const following = followToEnd(units, 'a1');
      process.kill(pidOf('a1'), 'SIGKILL');
      // The follower comes to the end of what there is, and says nothing of an end.
      expect(ofType(await following, 'state').at(-1)).toMatchObject({ state: 'Running' });
      expect(await units.status('a1')).toBe('gone');
      await expect(units.exec('a1', 'b2', script())).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_GONE' });
      expect((await units.readLog('a1', 'stdout', 0, 100)).final).toBe(false);
      // Nobody has had to kill it.
      await expect.poll(() => workloadsOf(marker), { timeout: 20_000 }).toEqual([]);
      // A crash in the middle of a line.
      appendFileSync(join(dataDir, 'activities', 'a1', 'journal.ndjson'), '{"seq":99,"at":17');

      // Something of the workload that has outlived all that should have killed it.
      const survivor = spawn('sleep', ['1000'], { env: { ERGON_MOCK_DEPLOYMENT: marker } });
      const died = once(survivor, 'exit');
      await expect.poll(() => workloadsOf(marker), { timeout: 20_000 }).toEqual([survivor.pid]);

      await units.close('a1', lost);
      await units.close('a1', lost);
      await died;
      expect(workloadsOf(marker)).toEqual([]);
      const records = await followToEnd(units, 'a1');
      expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
      expect(ofType(records, 'command-finished').at(-1)!.result).toMatchObject({
        index: 3,
        result: 'Error',
        reason: lost,
      });
      expect(ofType(records, 'batch-finished')).toHaveLength(1);
      expect(ofType(records, 'state').filter(({ state }) => state === 'Terminated')).toMatchObject([
        { reason: lost },
      ]);
      const slice = await units.readLog('a1', 'stdout', 0, 100);
      expect(Buffer.from(slice.bytes).toString()).toMatch(/^before\n/);
      expect(slice.final).toBe(true);
      await units.dispose('a1');
    },
  );

  it('ends by itself, and its workload, when its work directory is deleted or moved away', async () => {
    for (const [activityId, away] of [
      ['a1', (path: string) => rmSync(path, { recursive: true })],
      ['a2', (path: string) => renameSync(path, `${path}.moved`)],
    ] as const) {
      await units.create(specOf(activityId));
      await units.exec(activityId, 'b1', script(run('spin')));
      const records = await followUntil(units, activityId, isRunning);
      const marker = markerOf(ofType(records, 'handle')[0]!.handle);
      away(join(dataDir, 'activities', activityId));
      await expect.poll(() => supervisorPids(dataDir), { timeout: 20_000 }).toEqual([]);
      expect(workloadsOf(marker)).toEqual([]);
    }
  });

  it('takes a supervisor of before the boot for dead, whatever runs under its pid now', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script(run('echo', 'before'), run('sleep', '1000')));
    await followUntil(units, 'a1', (record) => isRunning(record) && record.seq > 17);
    const file = join(dataDir, 'activities', 'a1', 'supervisor.json');
    const identity = JSON.parse(readFileSync(file, 'utf8'));
    process.kill(identity.pid, 'SIGKILL');
    const other = { ...identity, pid: process.pid, bootId: '00000000-0000-4000-8000-000000000000' };
    writeFileSync(file, JSON.stringify(other));
    expect(await units.status('a1')).toBe('gone');
    await units.close('a1', lost);
    const records = await followToEnd(units, 'a1');
    expect(ofType(records, 'state').at(-1)).toMatchObject({ state: 'Terminated', reason: lost });
    expect((await wholeLog(units, 'a1', 'stdout')).toString()).toBe('before\n');
    await units.dispose('a1');
    expect(entries()).toEqual([]);
  });

  itAsRoot(
    'dies with its workload when the disk is full; its journal can be read, and is closed once there is room',
    async () => {
      const disk = temporaryDataDir();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
      try {
        const there = await realExeUnits(disk);
        await there.create(specOf('a1', { maxOutputBytes: 64 << 20, sampleIntervalMs: 50 }));
        await there.exec('a1', 'b1', script(run('echo', 'before'), run('spin')));
        const records = await followUntil(there, 'a1', (record) => isRunning(record) && record.seq > 17);
        const marker = markerOf(ofType(records, 'handle')[0]!.handle);
        // All but what is left in the pages that the journal has already: it runs into the end in mid-line.
        expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(8 << 20))).toThrow('ENOSPC');
        await expect.poll(() => there.status('a1'), { timeout: 20_000 }).toBe('gone');
        await expect.poll(() => workloadsOf(marker), { timeout: 20_000 }).toEqual([]);
        rmSync(join(disk, 'filler'));
        await there.close('a1', lost);
        const all = await followToEnd(there, 'a1');
        expect(ofType(all, 'state').at(-1)).toMatchObject({ state: 'Terminated', reason: lost });
        expect((await wholeLog(there, 'a1', 'stdout')).toString()).toMatch(/^before\n/);
        await there.dispose('a1');
      } finally {
        removeProcesses(disk);
        execFileSync('umount', ['--lazy', disk]);
        rmSync(disk, { recursive: true });
      }
    },
  );

  it('does not take a process with a reused pid for the supervisor', async () => {
    await units.create(specOf('a1'));
    const file = join(dataDir, 'activities', 'a1', 'supervisor.json');
    const identity = JSON.parse(readFileSync(file, 'utf8'));
    process.kill(identity.pid, 'SIGKILL');
    await expect.poll(() => units.status('a1')).toBe('gone');
    writeFileSync(file, JSON.stringify({ ...identity, pid: process.pid }));
    expect(await units.status('a1')).toBe('gone');
    writeFileSync(file, '{');
    expect(await units.status('a1')).toBe('unknown');
    await expect(units.close('a1', lost)).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_UNKNOWN' });
  });

  it('is unknown, not gone, while it does not answer', async () => {
    await units.create(specOf('a1'));
    process.kill(pidOf('a1'), 'SIGSTOP');
    await expect(units.close('a1', lost)).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_UNKNOWN' });
    process.kill(pidOf('a1'), 'SIGCONT');
    expect(await units.status('a1')).toBe('alive');
    await units.end('a1', 'Completed');
  });

  it('has ended once its journal says so, also while its process is on its way out', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script());
    await units.end('a1', 'Completed');
    await expect.poll(() => units.status('a1')).toBe('gone');
    // Alive, and nobody listens.
    const file = join(dataDir, 'activities', 'a1', 'supervisor.json');
    writeFileSync(file, JSON.stringify(await ownIdentity()));
    expect(await units.status('a1')).toBe('unknown');
    await expect(units.exec('a1', 'b2', script())).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_ENDED' });
    await expect(units.suspend('a1', 'requestor')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_ENDED' });
    await units.exec('a1', 'b1', script());
    await units.cancelBatch('a1', 'b1');
  });

  it('refuses a journal that was tampered with', async () => {
    await units.create(specOf('a1'));
    await units.end('a1', 'Terminated', { code: 'Provider', message: 'paid 1' });
    const path = join(dataDir, 'activities', 'a1', 'journal.ndjson');
    writeFileSync(path, readFileSync(path, 'utf8').replace('paid 1', 'paid 2'));
    await expect(followToEnd(await realExeUnits(dataDir), 'a1')).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_JOURNAL_DAMAGED',
    });
  });

  it('ends honestly when it is asked to stop by the machine', async () => {
    await units.create(specOf('a1'));
    await units.exec('a1', 'b1', script(run('stubborn')));
    await followUntil(units, 'a1', isRunning);
    process.kill(pidOf('a1'), 'SIGTERM');
    expect(ofType(await followToEnd(units, 'a1'), 'state').at(-1)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'Provider' },
    });
  });

  it('gives an activity to a supervisor that was started before it, and starts another one', async () => {
    const warm = await realExeUnits(dataDir, { mock: 1 });
    await warm.start();
    let created = 0;
    // Until it meets one that is ready: nothing outside says when that is.
    await expect
      .poll(
        async () => {
          const before = supervisorPids(dataDir);
          created += 1;
          await warm.create(specOf(`a${created}`));
          return before.includes(pidOf(`a${created}`));
        },
        { timeout: 30_000, interval: 100 },
      )
      .toBe(true);
    const ids = Array.from({ length: created }, (_, index) => `a${index + 1}`);
    await expect.poll(() => supervisorPids(dataDir).length, { timeout: 20_000 }).toBe(created + 1);
    await Promise.all(ids.map((id) => warm.end(id, 'Completed')));
    await warm.stop();
    await expect.poll(() => supervisorPids(dataDir)).toEqual([]);
    expect(readdirSync(join(dataDir, 'activities')).sort()).toEqual([...ids].sort());
  });

  it('refuses a runtime that does not exist, and leaves nothing of the attempt', async () => {
    await units.start();
    await expect(units.create(specOf('a1', { runtime: 'nonesuch' }))).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_RUNTIME_UNKNOWN',
    });
    expect(readdirSync(join(dataDir, 'activities'))).toEqual([]);
  });
});
