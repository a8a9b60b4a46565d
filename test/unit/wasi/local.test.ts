import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalRun } from '../../../runtimes/wasi/index.ts';
import { BEHAVE } from './wasi-activity.ts';

const DIRS = fileURLToPath(new URL('../../fixtures/wasi/dirs.wasm', import.meta.url));
const COMPUTE = fileURLToPath(new URL('../../fixtures/wasi/compute.wasm', import.meta.url));
const ESBUILD = createRequire(import.meta.url).resolve('@esbuild/wasi-preview1/esbuild.wasm');

let directory: string;
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ergon-local-'))));
afterEach(() => fs.rmSync(directory, { recursive: true }));

function start(modulePath: string, args: string[], more: Partial<LocalRun> = {}): ChildProcess {
  const run: LocalRun = { modulePath, args, env: {}, dirs: [], ...more };
  return spawn(process.execPath, [path.join(import.meta.dirname, 'local-program.ts'), JSON.stringify(run)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function run(
  modulePath: string,
  args: string[],
  more: Partial<LocalRun> & { stdin?: Buffer } = {},
): Promise<{ status: number | null; stdout: Buffer; stderr: string }> {
  const { stdin = Buffer.alloc(0), ...rest } = more;
  const child = start(modulePath, args, rest);
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin!.on('error', () => undefined).end(stdin);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: Buffer.concat(stdout), stderr };
}

describe('a module run locally', () => {
  it('has our stdio, byte for byte and of any length', async () => {
    const stdin = randomBytes(5_000_011);
    const { status, stdout, stderr } = await run(BEHAVE, ['cat'], { stdin });
    expect({ status, stderr, same: stdout.equals(stdin) }).toEqual({ status: 0, stderr: '', same: true });
  });

  it('streams: an answer comes before the end of the question', async () => {
    const child = start(BEHAVE, ['cat']);
    child.stdin!.write('first');
    const [answer] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(answer.toString()).toBe('first');
    child.stdin!.end();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('has its name, arguments, environment, both outputs and exit code', async () => {
    expect((await run(BEHAVE, ['args', 'a b', ''])).stdout.toString()).toBe('["a b",""]');
    expect((await run(BEHAVE, ['env', 'X'], { env: { X: 'y=z' } })).stdout.toString()).toBe('y=z');
    expect(await run(BEHAVE, ['complain', 'oh'])).toMatchObject({ status: 0, stderr: 'oh\n' });
    expect((await run(BEHAVE, ['exit', '42'])).status).toBe(42);
  });

  it('notices when nobody reads any more', async () => {
    const child = start(BEHAVE, ['flood']);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    // The write fails with EPIPE, and the program gives up.
    expect(await once(child, 'exit')).toEqual([1, null]);
  });

  it('has just the directories that are given to it, in their order', async () => {
    for (const name of ['one', 'two']) {
      fs.mkdirSync(path.join(directory, name));
      fs.writeFileSync(path.join(directory, name, 'file'), `in ${name}\n`);
    }
    const dirs = ['two', 'one'].map((name) => ({
      hostPath: path.join(directory, name),
      guestPath: `/${name}`,
    }));
    const { stdout } = await run(DIRS, ['/one/file', '/two/file', '/two/../../secret', '/etc/passwd'], {
      dirs,
    });
    expect(stdout.toString().split('\n').slice(0, 4)).toEqual(['/two', '/one', 'in one', 'in two']);
    expect(stdout.toString()).not.toContain('root:');
  });

  it('has no directory without any', async () => {
    const { stdout } = await run(DIRS, [path.join(directory, 'x')]);
    expect(stdout.toString()).toMatch(/^\/tmp[^\n]*\n$/);
  });

  it('can be held to limits', async () => {
    const limits = { memoryBytes: 16 << 20, storageBytes: 100_000 };
    expect((await run(BEHAVE, ['allocate'], { limits })).status).toBe(137);
    const dirs = [{ hostPath: directory, guestPath: '/' }];
    expect((await run(BEHAVE, ['fill-disk', '/big'], { limits, dirs })).status).toBe(137);
    expect(fs.statSync(path.join(directory, 'big')).size).toBe(100_000);
  });

  it('is refused with the reason when it is none', async () => {
    const file = path.join(directory, 'text.wasm');
    fs.writeFileSync(file, 'text');
    expect(await run(file, [])).toMatchObject({
      status: 99,
      stderr: 'The package cannot be run: it is not a WebAssembly module\n',
    });
  });

  it('leaves nothing in the directory of temporary files', async () => {
    const traces = (): string[] =>
      fs.readdirSync(os.tmpdir()).filter((name) => /^ergon-wasi-run-/.test(name));
    await run(BEHAVE, ['echo']);
    expect(traces()).toEqual([]);
  });

  it('may be a real program: esbuild compiles TypeScript from a directory and from stdin', async () => {
    fs.writeFileSync(path.join(directory, 'part.ts'), 'export const part: number = 21;\n');
    fs.writeFileSync(
      path.join(directory, 'main.ts'),
      "import { part } from './part';\nconsole.log(part * 2);\n",
    );
    const dirs = [{ hostPath: directory, guestPath: '/' }];
    const built = await run(ESBUILD, ['/main.ts', '--bundle', '--outfile=/out.js', '--format=esm'], { dirs });
    expect({ status: built.status, stderr: built.stderr }).toMatchObject({ status: 0 });
    expect(fs.readFileSync(path.join(directory, 'out.js'), 'utf8')).toContain('console.log(part * 2)');
    const piped = await run(ESBUILD, ['--loader=ts', '--minify'], {
      stdin: Buffer.from('let x: number = 1; export { x }'),
    });
    expect(piped.stdout.toString()).toBe('let e=1;export{e as x};\n');
  });

  it('does the same when its fuel is metered', async () => {
    const stdin = Buffer.from('let x: number = 1; export { x }');
    const more = { stdin, meterFuel: true, env: { ERGON_RANDOM_SEED: 'x' } };
    const { status, stdout } = await run(ESBUILD, ['--loader=ts', '--minify'], more);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: 'let e=1;export{e as x};\n' });
  });

  it.each([
    ['floats and calls', COMPUTE, ['matrices', '2']],
    ['memory that grows until it is refused', BEHAVE, ['allocate', 'exit']],
    ['a trap in the middle', BEHAVE, ['allocate']],
  ])('uses the same fuel in every sandbox: %s', async (_, module, args) => {
    const fuels = [];
    for (const sandbox of ['bubblewrap', 'setpriv', 'permission'] as const) {
      const more = { sandbox, meterFuel: true, limits: { memoryBytes: 8 * 1024 * 1024 } };
      const { stderr } = await run(module, args, more);
      fuels.push(/^fuel: (\d+)$/m.exec(stderr)?.[1]);
    }
    expect(Number(fuels[0])).toBeGreaterThan(1000);
    expect(new Set(fuels).size).toBe(1);
  });
});
