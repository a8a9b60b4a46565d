import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI } from '../../scripts/local-node.ts';
import type { AgreementRecord, TaskRecord } from '../../src/interface/index.ts';
import { MarketPair } from './market-pair.ts';
import { WORKLOAD } from '../support/workload.ts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the compiled CLI as a user's shell would. */
async function ergon(args: readonly string[], stdin = ''): Promise<Outcome> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'pipe' });
  child.stdin.end(stdin);
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, stdout, stderr };
}

describe('the command line against real daemons', () => {
  let pair: MarketPair;
  let dir: string;
  const buyer = (...args: string[]): Promise<Outcome> =>
    ergon(['--data-dir', pair.requestor.dataDir, ...args]);

  beforeAll(async () => {
    pair = await MarketPair.start();
    dir = await mkdtemp(join(tmpdir(), 'ergon-cli-'));
  });
  afterAll(async () => {
    await pair.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('submits a task, streams its output, brings the file and ends with the guest’s exit code', async () => {
    const out = join(dir, 'sum.txt');
    const done = await buyer(
      ...['task', 'submit', WORKLOAD, '--arg', 'tick', '--arg', '2', '--arg', '10', '--arg', '/sum.txt'],
      ...['--output', `/sum.txt:${out}`, '--memory', '64MiB', '--timeout', '1m', '--budget', '0.1', '--wait'],
    );
    expect(done).toMatchObject({ status: 0, stdout: 'begin first\ntick 1\ntick 2\nend\n' });
    expect(await readFile(out, 'utf8')).toBe('2 ticks\n');
    const failed = await buyer('task', 'submit', WORKLOAD, '--arg', 'exit', '--arg', '3', '--wait');
    expect(failed.status).toBe(3);
  });

  it('shows an agreement whole, and finds its signatures valid', async () => {
    const list = JSON.parse((await buyer('agreement', 'list', '--json')).stdout) as AgreementRecord[];
    const { agreementId } = list[0]!.agreement;
    const { stdout } = await buyer('agreement', 'show', agreementId);
    for (const part of [
      'Terms',
      'Price',
      'Signatures',
      'Activities',
      'Debit notes',
      'Invoices',
      'Payments',
      'In all',
    ])
      expect(stdout).toContain(part);
    expect(stdout).not.toContain('INVALID');
    const verified = await buyer('agreement', 'verify', agreementId);
    expect(verified.status).toBe(0);
  });

  it('says what to do when there is no such thing, no daemon, or no sense in the arguments', async () => {
    const unknown = await buyer('agreement', 'show', 'nobody');
    expect(unknown.status).not.toBe(0);
    expect(unknown.stderr).toContain('hint:');
    const absent = await ergon(['--data-dir', join(dir, 'nothing'), 'status']);
    expect(absent.status).not.toBe(0);
    expect(absent.stderr).toContain('ergon daemon');
    const senseless = await buyer('task', 'submit', WORKLOAD, '--memory', 'much');
    expect(senseless.status).toBe(2);
  });

  it('runs a module locally in the sandbox, with raw stdio and the guest’s exit code', async () => {
    const cat = await ergon(['runtime', 'run', 'wasi', WORKLOAD, 'cat'], 'raw\0bytes\n');
    expect(cat).toMatchObject({ status: 0, stdout: 'raw\0bytes\n' });
    const env = await ergon(['runtime', 'run', 'wasi', '--env', 'A=b', WORKLOAD, 'env', 'A']);
    expect(env.stdout).toBe('b\n');
    const exit = await ergon(['runtime', 'run', 'wasi', '--dir', `${dir}::/`, WORKLOAD, 'exit', '9']);
    expect(exit.status).toBe(9);
  });

  it('checks, backs up and restores the books', async () => {
    const backup = await buyer('store', 'backup', '--json');
    expect(backup.status).toBe(0);
    const { path } = JSON.parse(backup.stdout) as { path: string };
    const target = join(dir, 'restored');
    expect(await ergon(['--data-dir', target, 'store', 'restore', path])).toMatchObject({ status: 0 });
    const check = await ergon(['--data-dir', target, 'store', 'check', '--json']);
    expect(check.status).toBe(0);
    const again = await ergon(['--data-dir', target, 'store', 'restore', path]);
    expect(again.status).not.toBe(0);
  });

  it('removes tasks and packages, but none that is not over', async () => {
    const json = async <T>(...args: string[]): Promise<T> =>
      JSON.parse((await buyer(...args, '--json')).stdout) as T;
    const hash = (await json<{ hash: string }[]>('package', 'list'))[0]!.hash;
    const running = await json<TaskRecord>(
      ...[
        'task',
        'submit',
        WORKLOAD,
        '--arg',
        'spin',
        '--memory',
        '64MiB',
        '--timeout',
        '1m',
        '--budget',
        '0.1',
      ],
    );
    expect(await buyer('package', 'remove', hash)).toMatchObject({ status: 6 });
    const refused = await buyer('task', 'remove', running.taskId);
    expect(refused).toMatchObject({ status: 6, stderr: expect.stringContaining('ergon task cancel') });
    await buyer('task', 'cancel', running.taskId);
    const tasks = await json<TaskRecord[]>('task', 'list');
    for (const { taskId } of tasks) await pair.done(taskId);

    // What the first test's task has put out goes; the package stays.
    const pruned = await json('task', 'prune', '--older-than', '0s');
    expect(pruned).toMatchObject({ tasks: tasks.length, blobs: 1, freedBytes: 8 });
    expect((await buyer('task', 'show', running.taskId)).status).toBe(5);
    const removed = await buyer('package', 'remove', hash);
    expect(removed.stdout).toMatch(/is removed: 1 file, .* freed/);
    expect(await json('package', 'remove', hash)).toMatchObject({ removed: false });
    expect(await json('blob', 'list')).toEqual([]);
    const bills = await json<{ state: string }[]>('invoice', 'list');
    expect(bills.length).toBeGreaterThan(1);
    expect(new Set(bills.map(({ state }) => state))).toEqual(new Set(['Settled']));
  });
});
