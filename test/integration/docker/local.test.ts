import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT_STATUS } from '../../../src/cli/exit-status.ts';
import { busyboxImage, describeDocker, engineReply } from '../../support/docker-engine.ts';
import { terminal, type TerminalOptions } from '../../unit/cli/support/terminal.ts';

let dir: string;
let archive: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ergon-local-'));
  archive = join(dir, 'image.tar');
  writeFileSync(archive, busyboxImage());
});
afterAll(() => rmSync(dir, { recursive: true }));

/** `ergon runtime run docker …`, its streams closed as a pipe’s are. */
async function run(args: readonly string[], options: TerminalOptions = {}) {
  const screen = terminal({ stdin: '', ...options });
  const status = await screen.run('runtime', 'run', 'docker', '--data-dir', dir, ...args);
  return { status, out: screen.stdout.bytes, err: screen.stderr.text };
}

const leftovers = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('ergon-docker-run-'));

describeDocker('ergon runtime run docker', () => {
  it('passes streams and exit code on, byte for byte', async () => {
    const input = randomBytes(3_000_000);
    const echoed = await run([archive, 'cat'], { stdin: input });
    expect(createHash('sha256').update(echoed.out).digest('hex')).toBe(
      createHash('sha256').update(input).digest('hex'),
    );
    const failed = await run([
      '--env',
      'A=b c',
      archive,
      'sh',
      '-c',
      'echo "$A"; echo err >&2; exit 7',
      '--json',
    ]);
    expect(failed).toMatchObject({ status: 7, err: 'err\n' });
    expect(failed.out.toString()).toBe('b c\n');
  });

  it('takes an image that the engine has, by its name', async () => {
    const { body } = await engineReply('GET', '/images/json');
    const images: { RepoTags: string[] | null }[] = JSON.parse(body);
    const name = images
      .flatMap(({ RepoTags }) => RepoTags ?? [])
      .find((tag) => tag.startsWith('ergon-package:'));
    // A busybox, or a test image with one program: both say so.
    expect([EXIT_STATUS.ok, EXIT_STATUS.refused]).toContain((await run([name!, 'true'])).status);
    for (const name of ['nothing-of-that-name:1', 'python@sha256:…', 'No name']) {
      expect(await run([name, 'true'])).toMatchObject({
        status: 6,
        err: expect.stringContaining('pull it, or name it with its digest'),
      });
    }
  });

  it('says at once that there is no engine, and which directory is not there', async () => {
    const config = join(dir, 'elsewhere.json');
    writeFileSync(config, JSON.stringify({ runtimes: { docker: { socketPath: join(dir, 'none.sock') } } }));
    const away = await run(['--config', config, archive, 'true']);
    expect(away).toMatchObject({
      status: EXIT_STATUS.unavailable,
      err: expect.stringContaining('none.sock'),
    });
    const directory = await run(['--dir', `${dir}/none::/golem/work`, archive, 'true']);
    expect(directory.err).toContain(`${dir}/none is no directory of this machine`);
  });

  it('shows directories of the machine, writable or not', async () => {
    const shared = join(dir, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    writeFileSync(join(shared, 'in'), 'from outside');
    const script = 'cat in > out; echo no > /only/read || echo refused';
    const dirs = ['--dir', `${shared}::/golem/work`, '--dir', `${shared}::/only:ro`];
    expect((await run([...dirs, archive, 'sh', '-c', script])).out.toString()).toBe('refused\n');
    expect(readFileSync(join(shared, 'out'), 'utf8')).toBe('from outside');
  });

  it('says what ended the program, and leaves nothing behind', async () => {
    const before = leftovers();
    const bomb = ['BEGIN { s = "x"; while (1) s = s s }'];
    expect(await run(['--memory', '16MiB', archive, 'awk', ...bomb])).toMatchObject({
      status: 137,
      err: 'ergon: the program was ended by its memory limit of 16 MiB\n',
    });
    expect(await run(['--storage', '8MiB', archive, 'dd', 'if=/dev/zero', 'of=big', 'bs=1M'])).toMatchObject({
      status: 137,
      err: expect.stringContaining('disk limit of 8 MiB'),
    });
    expect(await run([archive, 'no-such-program'])).toMatchObject({
      status: EXIT_STATUS.refused,
      err: expect.stringContaining('ERR_RUNTIME_PROGRAM'),
    });
    expect(leftovers()).toEqual(before);
  });

  it('is ended by Ctrl-C', async () => {
    const screen = terminal({ stdin: '' });
    const ended = screen.run(
      'runtime',
      'run',
      'docker',
      '--data-dir',
      dir,
      archive,
      'sh',
      '-c',
      'echo up; sleep 99',
    );
    await new Promise((resolve) => screen.stdout.once('wrote', resolve));
    await screen.interrupt();
    expect(await ended).toBe(130);
  });
});
