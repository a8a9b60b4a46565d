import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT_STATUS } from '../../../src/cli/exit-status.ts';
import { ErgonError } from '../../../src/interface/errors.ts';
import { buckets, save } from '../api/support/fakes.ts';
import {
  activityRecord,
  agreementRecord,
  attempt,
  debitNoteRecord,
  invoiceRecord,
  PROVIDER,
  taskRecord,
} from '../api/support/samples.ts';
import { apiWorld, bookBuckets, type ApiWorld } from '../api/support/world.ts';
import { tarOf } from '../../support/tar.ts';
import { ergon, terminal } from './support/terminal.ts';

let world: ApiWorld;
let url: string;
let dir: string;
beforeEach(async () => {
  world = await apiWorld();
  url = await world.app.listen({ host: '127.0.0.1', port: 0 });
  dir = await mkdtemp(join(tmpdir(), 'ergon-cli-'));
});
afterEach(async () => {
  await world.stop();
  await rm(dir, { recursive: true });
});

describe('finding the daemon', () => {
  test('by the files that it keeps in its data directory', async () => {
    await writeFile(join(dir, 'api.json'), JSON.stringify({ url, pid: 1 }));
    await writeFile(join(dir, 'app-key'), 'key-read\n');
    const { status, out } = await ergon(url, ['status', '--data-dir', dir, '--json'], { environment: {} });
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ platforms: [{ symbol: 'ERG' }] });
  });

  test('also when its configuration was broken meanwhile', async () => {
    await writeFile(join(dir, 'api.json'), JSON.stringify({ url, pid: 1 }));
    await writeFile(join(dir, 'app-key'), 'key-read\n');
    for (const broken of ['{"api":', '{"api":{"port":"x"}}', '{"nonsense":1}']) {
      await writeFile(join(dir, 'config.json'), broken);
      const { status } = await ergon(url, ['status', '--data-dir', dir], { environment: {} });
      expect(status, broken).toBe(0);
    }
    const named = ['status', '--config', join(dir, 'none.json')];
    const none = await ergon(url, named, { environment: {} });
    expect(none.status).toBe(EXIT_STATUS.config);
    expect(none.err).toMatch(/none\.json cannot be read: .*\n.*--data-dir/);
  });

  test('says how to start one that does not run', async () => {
    const none = await ergon(url, ['status', '--data-dir', dir], { environment: {} });
    expect(none.status).toBe(EXIT_STATUS.notRunning);
    expect(none.err).toMatch(/No daemon is running on the data directory .*\n.*ergon daemon/);
    const gone = await ergon(url, ['status', '--url', 'http://127.0.0.1:1'], {
      environment: { appKey: 'x' },
    });
    expect(gone.status).toBe(EXIT_STATUS.notRunning);
    expect(gone.err).toContain('http://127.0.0.1:1');
  });

  test('refuses what is no Ergon daemon, and keys that do not work', async () => {
    expect((await ergon(`${url}/elsewhere`, ['status'])).status).toBe(EXIT_STATUS.notFound);
    const key = await ergon(url, ['status', '--app-key', 'wrong']);
    expect(key).toMatchObject({ status: EXIT_STATUS.notAllowed, out: '' });
    expect(key.err).toMatch(/ERR_API_UNAUTHORIZED[^]*hint: .*ergon app-key create/);
  });

  test('with --json, an error is one JSON line on stderr', async () => {
    const { status, err } = await ergon(url, ['task', 'show', 'nope', '--json']);
    expect(status).toBe(EXIT_STATUS.notFound);
    expect(JSON.parse(err)).toMatchObject({
      code: 'ERR_API_NOT_FOUND',
      detail: { id: 'nope' },
      remedy: expect.any(String),
    });
  });
});

describe('activities', () => {
  test('are suspended and resumed', async () => {
    await save(world.store, buckets.activities, 'act', activityRecord('act', { state: 'Running' }));
    expect((await ergon(url, ['activity', 'suspend', 'act'])).out).toMatch(
      /^act is Suspended \(held by (requestor|provider)\)\n$/,
    );
    expect((await ergon(url, ['activity', 'resume', 'act'])).out).toBe('act is Running\n');
    expect((await ergon(url, ['activity', 'suspend', 'nope'])).status).toBe(EXIT_STATUS.notFound);
  });
});

describe('the provider', () => {
  test('is paused, drained and run', async () => {
    expect((await ergon(url, ['provider', 'status'])).out).toMatch(/mode +run\n[^]*activities +1 Running/);
    expect((await ergon(url, ['provider', 'pause'])).out).toMatch(/mode +pause/);
    expect((await ergon(url, ['provider', 'undrain'])).out).toMatch(/mode +pause/);
    expect((await ergon(url, ['provider', 'drain', '--json'])).out).toContain('"mode": "drain"');
    expect((await ergon(url, ['provider', 'undrain'])).out).toMatch(/mode +run/);
    expect(world.changes).toEqual(['provider pause', 'provider drain', 'provider run']);
  });

  test('takes over a changed configuration, and says what it cannot', async () => {
    const { out, err } = await ergon(url, ['provider', 'reload']);
    expect(out).toBe('In force now: provider.presets\n');
    expect(err).toContain('only after a restart: api.port');
  });
});

describe('the node', () => {
  test('status, peers, offers', async () => {
    expect((await ergon(url, ['status'])).out).toMatch(/address {2,}0x.*\n[^]*sells {2,}nothing/);
    expect((await ergon(url, ['peers'])).out).toMatch(/^ADDRESS +DIRECTION[^]*inbound/);
    expect((await ergon(url, ['offers'])).out).toMatch(/offer-1 .* wasi /);
    expect((await ergon(url, ['offers', '--explain', '(golem.inf.mem.gib>=4)'])).out).toMatch(
      / no +golem.inf.mem.gib is 2/,
    );
    const wrong = await ergon(url, ['offers', '--explain', 'golem']);
    expect(wrong).toMatchObject({ status: EXIT_STATUS.usage });
    expect(wrong.err).toContain('ERR_MARKET_CONSTRAINT_SYNTAX');
  });

  test('a table fits the terminal and keeps ids whole; a pipe gets all of it', async () => {
    const narrow = await ergon(url, ['offers'], { columns: 80 });
    const shown = stripVTControlCharacters(narrow.out);
    for (const line of shown.trim().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(narrow.out).toContain('offer-1');
    expect(narrow.out).not.toContain(PROVIDER);
    expect((await ergon(url, ['offers'])).out).toContain(PROVIDER);
    expect((await ergon(url, ['peers'])).out).toContain(
      '16Uiu2HAm7vK1Dm3jFHfXy8xM1gkYVQpaPA5DMuQGXpnuQCwGHZQz',
    );
  });

  test('app-keys: the secret is all that is on stdout', async () => {
    const made = await ergon(url, ['app-key', 'create', 'ci', '--scope', 'requestor', '--expires', '30d']);
    expect(made.out).toBe('secret\n');
    expect((await ergon(url, ['app-key', 'list'])).out).toContain('reader');
    expect((await ergon(url, ['app-key', 'revoke', 'k1'])).out).toContain('is revoked');
    expect(world.changes).toEqual(['app-key ci', 'revoke k1']);
  });

  test('store backup goes through the daemon', async () => {
    expect((await ergon(url, ['store', 'backup', 'b1'])).out).toBe('/data/backups/b1 (3 records)\n');
  });

  test('events: past ones, then live, one JSON a line', async () => {
    await world.store.transact(async (tx) =>
      tx.emit({ type: 'task.created', subject: 't', data: { a: '\u001b[31m' } }),
    );
    expect((await ergon(url, ['events'])).out).toMatch(/ 1 {2}\S+ {2}task.created +t {2}\{"a":/);
    await world.store.transact(async (tx) => {
      for (let n = 2; n <= 600; n += 1) tx.emit({ type: 'task.created', subject: `t${n}`, data: {} });
    });
    const lines = async (...args: string[]) => {
      const { out, err } = await ergon(url, ['events', ...args]);
      return { count: out.split('\n').length - 1, err };
    };
    expect(await lines()).toEqual({ count: 500, err: 'Later ones: ergon events --after 500\n' });
    expect(await lines('--limit', '9999')).toEqual({ count: 600, err: '' });
    const screen = terminal({ environment: { apiUrl: url, appKey: 'key-admin' } });
    const followed = screen.run('events', '-f', '--after', '0', '--json');
    while (!screen.stdout.text.includes('\n'))
      await new Promise((resolve) => screen.stdout.once('wrote', resolve));
    expect(JSON.parse(screen.stdout.text)).toMatchObject({ seq: 1, type: 'task.created' });
    await world.stop();
    expect(await followed).toBe(0);
    world = await apiWorld();
  });
});

describe('tasks', () => {
  const succeed = async (taskId: string, over: object = {}): Promise<void> => {
    const task = (await world.components.tasks.get(taskId))!;
    const attempts = taskRecord(taskId).attempts;
    const result = { exitCode: 0, stdoutBytes: 4, stderrBytes: 3, outputs: [], ...over };
    await save(world.store, buckets.activities, 'activity-1', activityRecord('activity-1'));
    world.activities.write('activity-1', 'stdout', Buffer.from([0, 255, 10, 13]));
    world.activities.write('activity-1', 'stderr', Buffer.from('err'));
    world.activities.finalize('activity-1');
    await save(world.store, buckets.tasks, taskId, { ...task, attempts, result, state: 'Succeeded' });
  };

  /** Has the task succeed as soon as it is submitted. */
  const whenSubmitted = (act: (taskId: string) => Promise<void>): void => {
    const submit = world.components.tasks.submit.bind(world.components.tasks);
    Object.assign(world.components.tasks, {
      submit: async (...args: Parameters<typeof submit>) => {
        const task = await submit(...args);
        setImmediate(() => void act(task.taskId));
        return task;
      },
    });
  };

  test('submit uploads everything and hands over only what was asked for', async () => {
    await writeFile(join(dir, 'job.wasm'), 'wasm');
    await writeFile(join(dir, 'in.ts'), 'input');
    const argv = [
      'task',
      'submit',
      join(dir, 'job.wasm'),
      '--input',
      `${join(dir, 'in.ts')}:/in.ts`,
      '--output',
      '/out.js:x',
    ];
    const flags = [
      '--arg',
      '-v',
      '--arg',
      '--x=1',
      '--env',
      'A=b',
      '--memory',
      '512MiB',
      '--cpu-time',
      '30s',
      '--budget',
      '0.5',
    ];
    const constraints = ['--constraint', '(a=1)', '--constraint', '(b=2)', '--stdin', '-'];
    const { status, out } = await ergon(url, [...argv, ...flags, ...constraints, '--json'], {
      stdin: 'piped',
    });
    expect(status).toBe(0);
    const { spec } = JSON.parse(out);
    expect(spec).toMatchObject({
      entryPoint: 'job.wasm',
      args: ['-v', '--x=1'],
      env: { A: 'b' },
      outputs: ['/out.js'],
      limits: { memoryBytes: 512 * 1024 ** 2, cpuTimeMs: 30_000, cpuThreads: 1 },
      budget: '500000000000000000',
      constraints: '(&(a=1)(b=2))',
      runtime: 'wasi',
    });
    expect(world.changes.filter((change) => change.startsWith('blob'))).toHaveLength(3);
  });

  test('submit tells an image from a module, and asks which of its programs is meant', async () => {
    const image = `alpine@sha256:${'a'.repeat(64)}`;
    const submitted = async (...args: string[]): Promise<unknown> => {
      const { out, err } = await ergon(url, ['task', 'submit', ...args, '--json']);
      return out === '' ? err : JSON.parse(out).spec;
    };
    expect(await submitted('--image', `docker://${image}`, '--entry-point', 'sh')).toMatchObject({
      image,
      runtime: 'docker',
      entryPoint: 'sh',
    });
    const archives = {
      'a.tar': tarOf([{ name: 'a' }]),
      'a.tgz': gzipSync('x'),
      'a.zst': zstdCompressSync('x'),
    };
    for (const [name, bytes] of Object.entries(archives)) {
      await writeFile(join(dir, name), bytes);
      expect(await submitted(join(dir, name)), name).toContain('--entry-point');
      expect(await submitted(join(dir, name), '--entry-point', 'sh'), name).toMatchObject({
        runtime: 'docker',
      });
      expect(await submitted(join(dir, name), '--runtime', 'wasi'), name).toMatchObject({ entryPoint: name });
    }
    expect(await submitted('--image', 'alpine@sha256:12')).toContain('no name of an image');
    expect(await submitted()).toContain('either a file or');
    expect(await submitted(join(dir, 'a.tar'), '--image', image, '--entry-point', 'sh')).toContain('either');
    const added = await ergon(url, ['package', 'add', '--image', image]);
    expect(added.out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  test('--wait streams the output as it is, downloads files, and passes the exit code on', async () => {
    await writeFile(join(dir, 'job.wasm'), 'wasm');
    const file = await world.components.blobs.put(
      (async function* () {
        yield Buffer.from('result');
      })(),
    );
    const outputs = [{ path: '/out.js', blob: file.hash, sizeBytes: 6 }];
    whenSubmitted((id) => succeed(id, { outputs, exitCode: 0 }));
    const local = join(dir, 'deep', 'out.js');
    const done = await ergon(url, [
      'task',
      'submit',
      join(dir, 'job.wasm'),
      '--output',
      `/out.js:${local}`,
      '--wait',
    ]);
    expect(done.status).toBe(0);
    expect([...done.bytes]).toEqual([0, 255, 10, 13]);
    expect(done.err).toContain('err');
    expect(await readFile(local, 'utf8')).toBe('result');
    whenSubmitted((id) => succeed(id, { exitCode: 42 }));
    expect((await ergon(url, ['task', 'submit', join(dir, 'job.wasm'), '--wait'])).status).toBe(42);
  });

  test('--wait on a task that fails without an exit code says why', async () => {
    await writeFile(join(dir, 'job.wasm'), 'wasm');
    whenSubmitted(async (id) => {
      const reason = { code: 'NoProvider', message: 'nobody \u001b[2Jagreed' };
      await save(world.store, buckets.tasks, id, taskRecord(id, { state: 'Failed', attempts: [], reason }));
    });
    const { status, err } = await ergon(url, ['task', 'submit', join(dir, 'job.wasm'), '--wait']);
    expect(status).toBe(EXIT_STATUS.taskFailed);
    expect(err).toContain('nobody \ufffd[2Jagreed');
  });

  test('Ctrl-C leaves the task running and says how to come back', async () => {
    await writeFile(join(dir, 'job.wasm'), 'wasm');
    const screen = terminal({ environment: { apiUrl: url, appKey: 'key-admin' } });
    whenSubmitted(() => screen.interrupt());
    expect(await screen.run('task', 'submit', join(dir, 'job.wasm'), '--wait')).toBe(EXIT_STATUS.interrupted);
    expect(screen.stderr.text).toMatch(/goes on\. Come back with `ergon task logs -f/);
  });

  test('a log that is followed over broken connections comes whole', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t'));
    await save(world.store, buckets.activities, 'activity-1', activityRecord('activity-1'));
    const screen = terminal({ environment: { apiUrl: url, appKey: 'key-admin' } });
    const followed = screen.run('task', 'logs', 't', '-f');
    const sent: Buffer[] = [];
    for (let piece = 0; piece < 5; piece += 1) {
      sent.push(randomBytes(100_000));
      world.activities.write('activity-1', 'stdout', sent[piece]!);
      while (screen.stdout.bytes.length < piece * 100_000 + 50_000) {
        await new Promise((resolve) => screen.stdout.once('wrote', resolve));
      }
      world.app.server.closeAllConnections();
    }
    await succeed('t');
    expect(await followed).toBe(0);
    expect(screen.stdout.bytes.equals(Buffer.concat([...sent, Buffer.from([0, 255, 10, 13])]))).toBe(true);
  });

  test('a file that cannot be read is named before anything happens', async () => {
    const { status, err } = await ergon(url, ['task', 'submit', join(dir, 'none.wasm')]);
    expect(status).toBe(EXIT_STATUS.failed);
    expect(err).toMatch(/none\.wasm cannot be read.*ERR_CLI_FILE/);
    expect(world.changes).toEqual([]);
  });

  test('list, show, logs, result, cancel', async () => {
    await save(world.store, buckets.tasks, 't', taskRecord('t'));
    await succeed('t');
    expect((await ergon(url, ['task', 'list'])).out).toMatch(/^TASK .*\nt .*Succeeded +0 /);
    expect((await ergon(url, ['task', 'show', 't'])).out).toMatch(/exit code +0\n[^]*budget +1 ERG/);
    expect([...(await ergon(url, ['task', 'logs', 't'])).bytes]).toEqual([0, 255, 10, 13]);
    expect((await ergon(url, ['task', 'logs', 't', '--stderr', '-f'])).out).toBe('err');
    expect((await ergon(url, ['task', 'result', 't', '--dir', dir])).out).toContain('Succeeded, exit code 0');
    expect((await ergon(url, ['task', 'cancel', 't'])).out).toBe('t is Canceled\n');
    expect((await ergon(url, ['task', 'list', '--state', 'Failed'])).err).toContain('No tasks');
    expect((await ergon(url, ['task', 'list', '--state', 'Nope'])).status).toBe(EXIT_STATUS.usage);
  });
});

describe('removing', () => {
  test('a task, a package and a file say what went, or that there was nothing', async () => {
    const hash = `sha256:${'a'.repeat(64)}`;
    for (const [group, id] of [
      ['task', 't'],
      ['package', hash],
      ['blob', hash],
    ] as const) {
      const { out, status } = await ergon(url, [group, 'remove', id]);
      expect({ out, status }).toEqual({
        status: 0,
        out: expect.stringMatching(/ is removed: .*2 KiB freed\n$/),
      });
      const json = await ergon(url, [group, 'remove', id, '--json']);
      expect(JSON.parse(json.out)).toEqual({ removed: true, blobs: 2, freedBytes: 2048 });
    }
    expect((await ergon(url, ['task', 'remove', 'gone'])).out).toMatch(/no task gone; nothing/);
    const refused = await ergon(url, ['task', 'remove', 'open']);
    expect(refused.status).toBe(EXIT_STATUS.refused);
    expect(refused.err).toMatch(/ERR_TASK_NOT_OVER[^]*hint: .*ergon task cancel/);
  });

  test('prune takes what is over, settled and old, and shows it first if it is told to', async () => {
    const done = [attempt(1, { phase: 'Done' })];
    const old = { state: 'Succeeded', attempts: done, stateChangedAt: Date.now() - 10 * 86_400_000 } as const;
    const all: Record<string, Parameters<typeof taskRecord>[1]> = {
      'old-1': old,
      'old-2': { ...old, state: 'Failed', attempts: [] },
      young: { ...old, stateChangedAt: Date.now() },
      unpaid: { ...old, attempts: [attempt(1, { phase: 'Settling' })] },
      running: { stateChangedAt: 1 },
    };
    for (const [id, over] of Object.entries(all))
      await save(world.store, buckets.tasks, id, taskRecord(id, over));
    expect((await ergon(url, ['task', 'prune'])).status).toBe(EXIT_STATUS.usage);
    const dry = await ergon(url, ['task', 'prune', '--older-than', '9d', '--dry-run', '--json']);
    expect(JSON.parse(dry.out)).toMatchObject([{ taskId: 'old-2' }, { taskId: 'old-1' }]);
    expect(world.changes).toEqual([]);
    const { out } = await ergon(url, ['task', 'prune', '--older-than', '9d']);
    expect(out).toBe('2 tasks are removed: 4 files, 4 KiB freed\n');
    expect(world.changes).toEqual(['remove task old-2', 'remove task old-1']);
    expect((await ergon(url, ['task', 'prune', '--older-than', '11d'])).out).toBe('No task is that old.\n');
  });
});

describe('agreements and what hangs on them', () => {
  beforeEach(async () => {
    await save(world.store, buckets.agreements, 'agreement-1', agreementRecord('agreement-1'));
    await save(world.store, buckets.activities, 'activity-1', activityRecord('activity-1'));
    await save(world.store, bookBuckets.debitNotes, 'note-1', debitNoteRecord('note-1'));
    await save(world.store, bookBuckets.invoices, 'invoice-1', invoiceRecord('invoice-1'));
  });

  test('agreement show tells the whole story', async () => {
    const { out } = await ergon(url, ['agreement', 'show', 'agreement-1']);
    for (const part of [
      /provider +0x0+A1/,
      /state +Approved since/,
      /memory +256 MiB/,
      /golem.usage.cpu_sec +0.0000000000002 ERG per unit/,
      /valid +agreement by the provider/,
      /All of it holds/,
      /history +\S+ New/,
      /usage +1.5 golem.usage.cpu_sec/,
      /note-1 +1 \(final\) +0.0000000000013 ERG +Accepted/,
      /invoice-1 .*Settled/,
      /billed +0.0000000000013 ERG\naccepted +0.0000000000013 ERG\npaid +0 ERG/,
    ]) {
      expect(out).toMatch(part);
    }
    const { sums } = JSON.parse((await ergon(url, ['agreement', 'show', 'agreement-1', '--json'])).out);
    expect(sums).toEqual({ billed: '1300000', accepted: '1300000', paid: '0' });
  });

  test('agreement verify fails when a signature does not hold', async () => {
    expect((await ergon(url, ['agreement', 'verify', 'agreement-1'])).status).toBe(0);
    Object.assign(world.components.verifier, {
      verify: () => {
        throw new ErgonError('ERR_IDENTITY_SIGNATURE', 'signed by another');
      },
    });
    const bad = await ergon(url, ['agreement', 'verify', 'agreement-1']);
    expect(bad.status).toBe(EXIT_STATUS.notValid);
    expect(bad.out).toMatch(/invalid +offer by the provider 0x\w+ signed by another[^]*does NOT hold/);
  });

  test('agreement list and terminate', async () => {
    expect((await ergon(url, ['agreement', 'list', '--state', 'Approved'])).out).toContain('agreement-1');
    await ergon(url, ['agreement', 'terminate', 'agreement-1', '--reason', 'done']);
    expect(world.changes).toEqual(['terminate agreement-1 Requestor']);
  });

  test('activities', async () => {
    expect((await ergon(url, ['activity', 'list', '--agreement', 'agreement-1'])).out).toContain(
      'activity-1',
    );
    expect((await ergon(url, ['activity', 'show', 'activity-1'])).out).toMatch(
      /history +\S+ New\n +\S+ Running/,
    );
    expect((await ergon(url, ['activity', 'usage', 'activity-1'])).out).toMatch(/golem.usage.cpu_sec +1.5/);
    world.activities.write('activity-1', 'stdout', Buffer.from('hello'));
    world.activities.finalize('activity-1');
    expect((await ergon(url, ['activity', 'logs', 'activity-1', '-f'])).out).toBe('hello');
  });

  test('bills', async () => {
    expect((await ergon(url, ['debit-note', 'list'])).out).toContain('0.0000000000013 ERG');
    expect((await ergon(url, ['debit-note', 'show', 'note-1'])).out).toMatch(/samples +1 to 1/);
    expect((await ergon(url, ['invoice', 'list', '--agreement', 'agreement-1'])).out).toContain('invoice-1');
    expect((await ergon(url, ['invoice', 'show', 'invoice-1'])).out).toMatch(
      /activity-1: 0.0000000000013 ERG/,
    );
  });

  test('packages', async () => {
    await writeFile(join(dir, 'a.wasm'), 'abc');
    const { out } = await ergon(url, ['package', 'add', join(dir, 'a.wasm')]);
    expect(out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect((await ergon(url, ['package', 'list'])).out).toMatch(/OPEN TASKS[^]*3 B +a.wasm +0 /);
    expect((await ergon(url, ['blob', 'list'])).out).toMatch(/^HASH +SIZE\nsha256:.* 3 B\n$/);
    expect((await ergon(url, ['status'])).out).toMatch(/files +3 B in 1 file\n/);
  });
});
