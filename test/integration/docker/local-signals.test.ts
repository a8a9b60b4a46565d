import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { processTree } from '../../../runtimes/wasi/limits/proc.ts';
import {
  describeDocker,
  engineReply,
  makePlace,
  removePlace,
  type Place,
} from '../../support/docker-engine.ts';
import { BEHAVE } from '../../unit/wasi/wasi-activity.ts';

const CLI = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

let place: Place;
beforeAll(() => (place = makePlace()));
afterAll(() => removePlace(place));

/** Of this test's processes alone. */
let temporary: string;
let child: ChildProcess;
beforeEach(() => (temporary = mkdtempSync(join(place.root, 'tmp-'))));
afterEach(() => child.kill('SIGKILL'));

/** `ergon runtime run …` as a process, its streams pipes that stay open. */
function start(...args: string[]): ChildProcess {
  const argv = ['--disable-warning=ExperimentalWarning', CLI, 'runtime', 'run', ...args];
  return (child = spawn(process.execPath, argv, { env: { ...process.env, TMPDIR: temporary } }));
}

async function firstLine(process: ChildProcess): Promise<string> {
  const [line] = (await once(process.stdout!, 'data')) as [Buffer];
  return line.toString();
}

/** Directories, mounts and containers. */
async function leftovers(): Promise<string[]> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => mount.startsWith(temporary));
  const { body } = await engineReply('GET', '/containers/json?all=1');
  const containers: { Labels: Record<string, string> }[] = JSON.parse(body);
  const nodes = containers.map(({ Labels }) => Labels['ergon.node'] ?? '');
  return [...readdirSync(temporary), ...mounts, ...nodes.filter((node) => node.startsWith(temporary))];
}

describeDocker('ergon runtime run docker that is told to end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('by %s: passes it on, and leaves nothing behind', async (signal, status) => {
    start('docker', place.packagePath, 'sh', '-c', 'echo up; sleep 99');
    expect(await firstLine(child)).toBe('up\n');
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([status, null]);
    expect(await leftovers()).toEqual([]);
  });

  it('before the program runs: it never does', async () => {
    start('docker', place.packagePath, 'sh', '-c', 'echo up');
    let out = '';
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await expect.poll(() => readdirSync(temporary), { timeout: 30_000, interval: 1 }).not.toEqual([]);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([143, null]);
    expect(out).toBe('');
    expect(await leftovers()).toEqual([]);
  });

  it('twice: kills a program that does not want to', async () => {
    start(
      'docker',
      place.packagePath,
      'sh',
      '-c',
      'trap "echo no" TERM; echo up; while :; do sleep 0.1; done',
    );
    expect(await firstLine(child)).toBe('up\n');
    child.kill('SIGTERM');
    expect(await firstLine(child)).toBe('no\n');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([137, null]);
    expect(await leftovers()).toEqual([]);
  });

  it('by nobody who reads its output any more', async () => {
    start('docker', place.packagePath, 'yes');
    await firstLine(child);
    child.stdout!.destroy();
    expect(await once(child, 'exit')).toEqual([141, null]);
    expect(await leftovers()).toEqual([]);
  });
});

/** By name, of whoever. */
const groups = (): string[] =>
  globSync('/sys/fs/cgroup/**/ergon-wasi-local-*').map((directory) => basename(directory));

/** The control group of a process's guest. */
function guestGroup(pid: number): string {
  const [name] = processTree(pid)
    .map((each) => /ergon-wasi-local-[\w-]+/.exec(readFileSync(`/proc/${each}/cgroup`, 'utf8'))?.[0])
    .filter((found) => found !== undefined);
  expect(groups()).toContain(name);
  return name!;
}

describe('ergon runtime run wasi that is told to end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s: ends the program, and leaves nothing behind', async (signal, status) => {
    start('wasi', '--cpus', '1', BEHAVE, 'flood');
    await firstLine(child);
    child.stdout!.resume();
    const group = guestGroup(child.pid!);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([status, null]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(groups()).not.toContain(group);
  });
});
