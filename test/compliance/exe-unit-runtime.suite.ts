import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { volumePath } from '../../src/exe-unit/supervisor/guest-path.ts';
import type {
  DeploySpec,
  ExeUnitRuntime,
  RunCommand,
  RunExit,
  RunningCommand,
} from '../../src/interface/exe-unit-runtime.ts';
import { isErgonError } from '../../src/interface/errors.ts';

/**
 * What a test program has to do:
 * - `echo ARG…`: prints the arguments, joined by spaces, and a newline
 * - `complain ARG…`: the same on stderr
 * - `args`: prints its arguments as a JSON array
 * - `env NAME`: prints the variable's value
 * - `cat`: copies stdin to stdout
 * - `exit N`: ends with that code
 * - `flood BYTES`: prints exactly so many bytes and ends with 0; without BYTES it never ends
 * - `spin`: burns CPU for ever; `sleep`: waits for ever
 * - `write-file PATH TEXT`, `read-file PATH`: a file by the guest's own path
 * - `allocate`: takes memory until it is stopped (only with `supports.memoryLimit`)
 * - `fill-disk PATH`: writes to a file until it is stopped or refused (only with `supports.diskLimit`)
 */
export type Behaviour =
  | 'echo'
  | 'complain'
  | 'args'
  | 'env'
  | 'cat'
  | 'exit'
  | 'flood'
  | 'spin'
  | 'sleep'
  | 'write-file'
  | 'read-file'
  | 'allocate'
  | 'fill-disk';

export interface RuntimeFixture {
  readonly runtime: ExeUnitRuntime;
  /** Fresh, absolute, with a parent of its own; without `runtime` and `volumes`. */
  readonly workDir: string;
  /** What a deployment and a command need so that the guest behaves so. */
  program(
    behaviour: Behaviour,
    ...args: string[]
  ): { packagePath?: string; command: Pick<RunCommand, 'entryPoint' | 'args'> };
  /** A package that must be refused at deploy. */
  readonly badPackagePath: string;
}

export interface RuntimeSuite {
  setup(): Promise<RuntimeFixture>;
  teardown(fixture: RuntimeFixture): Promise<void>;
  /** Tests, by name, that cannot hold here, and why. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

const RESOURCES = { cpuThreads: 1, memoryBytes: 64 << 20, storageBytes: 8 << 20 };

/** The behaviour that every ExeUnitRuntime must show. */
export function exeUnitRuntimeSuite(name: string, suite: RuntimeSuite): void {
  const skipped = new Set(suite.skip?.flatMap((entry) => entry.tests));
  const test = (title: string, body: () => Promise<void>): void => {
    if (!skipped.has(title)) it(title, body);
  };

  describe(`${name} as an ExeUnitRuntime`, () => {
    let fixture: RuntimeFixture;
    let runtime: ExeUnitRuntime;
    const handles: string[] = [];

    beforeEach(async () => {
      fixture = await suite.setup();
      runtime = fixture.runtime;
    });
    afterEach(async () => {
      for (const handle of handles.splice(0)) await runtime.destroy(handle);
      await suite.teardown(fixture);
    });

    async function deploy(behaviour: Behaviour, overrides: Partial<DeploySpec> = {}): Promise<string> {
      const { packagePath } = fixture.program(behaviour);
      const handle = await runtime.deploy({
        activityId: 'compliance',
        workDir: fixture.workDir,
        env: {},
        resources: RESOURCES,
        ...(packagePath === undefined ? {} : { packagePath }),
        ...overrides,
      });
      handles.push(handle);
      await runtime.start(handle, []);
      return handle;
    }

    async function launch(
      handle: string,
      behaviour: Behaviour,
      args: string[] = [],
      more: Partial<RunCommand> = {},
    ): Promise<Launched> {
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let announce: () => void;
      const firstOutput = new Promise<void>((resolve) => (announce = resolve));
      const running = await runtime.run(
        handle,
        { ...fixture.program(behaviour, ...args).command, env: {}, ...more },
        {
          stdout: async (chunk) => {
            out.push(Buffer.from(chunk));
            announce();
            await new Promise((resolve) => setImmediate(resolve));
          },
          stderr: async (chunk) => void err.push(Buffer.from(chunk)),
        },
      );
      return { running, firstOutput, stdout: () => Buffer.concat(out), stderr: () => Buffer.concat(err) };
    }

    async function complete(
      handle: string,
      behaviour: Behaviour,
      args: string[] = [],
      more: Partial<RunCommand> = {},
    ): Promise<Completed> {
      const launched = await launch(handle, behaviour, args, more);
      const exit = await launched.running.exit;
      return { exit, stdout: launched.stdout(), stderr: launched.stderr() };
    }

    /** Waits until the kernel has charged the workload with some CPU time. */
    async function untilItSpins(handle: string): Promise<bigint> {
      const before = (await runtime.stats(handle)).cpuNs;
      return expect
        .poll(async () => (await runtime.stats(handle)).cpuNs, { timeout: 20_000, interval: 20 })
        .toBeGreaterThan(before)
        .then(async () => (await runtime.stats(handle)).cpuNs);
    }

    test('says what it is and that it can run here', async () => {
      expect(runtime.descriptor.name).toMatch(/^[a-z0-9._-]{1,64}$/);
      const fingerprint = await runtime.fingerprint();
      expect(fingerprint.notes).toBeInstanceOf(Array);
      expect(fingerprint.available).toBe(true);
    });

    test('passes its own self-test', async () => {
      await runtime.selfTest(fixture.workDir);
    });

    test('captures both streams and the exit code', async () => {
      const handle = await deploy('echo');
      const result = await complete(handle, 'echo', ['hello', 'world']);
      expect(result.exit).toEqual({ kind: 'exited', code: 0 });
      expect(result.stdout.toString()).toBe('hello world\n');
      expect(result.stderr).toHaveLength(0);
    });

    test('keeps stderr apart', async () => {
      const handle = await deploy('complain');
      const result = await complete(handle, 'complain', ['oh', 'no']);
      expect(result.stdout).toHaveLength(0);
      expect(result.stderr.toString()).toBe('oh no\n');
    });

    test('hands over arguments untouched', async () => {
      const args = ['', ' ', "it's", '"quoted"', '$HOME', '*', 'ünïcödé 🚀', '--flag', '-x', 'a\nb', '\\'];
      const handle = await deploy('args');
      expect(JSON.parse((await complete(handle, 'args', args)).stdout.toString())).toEqual(args);
    });

    test("gives the guest the deployment's environment, the command's over it, and none of the host's", async () => {
      const handle = await deploy('env', { env: { A: 'deployed', B: 'deployed' } });
      const value = async (variable: string): Promise<string> =>
        (await complete(handle, 'env', [variable], { env: { B: 'command', C: '' } })).stdout.toString();
      expect(await value('A')).toBe('deployed');
      expect(await value('B')).toBe('command');
      expect(await value('C')).toBe('');
      expect(await value('HOME')).not.toBe(process.env['HOME']);
    });

    test('feeds a file to stdin, byte for byte, and nothing without one', async () => {
      const stdinPath = join(dirname(fixture.workDir), 'stdin');
      const bytes = Buffer.alloc(1_000_003, 0).map((_, index) => (index * 7) % 256);
      writeFileSync(stdinPath, bytes);
      const handle = await deploy('cat');
      const fed = await complete(handle, 'cat', [], { stdinPath });
      expect(Buffer.compare(fed.stdout, bytes)).toBe(0);
      const empty = await complete(handle, 'cat');
      expect(empty.exit).toEqual({ kind: 'exited', code: 0 });
      expect(empty.stdout).toHaveLength(0);
    });

    for (const code of [1, 42, 125]) {
      test(`reports exit code ${code}, and runs again afterwards`, async () => {
        const handle = await deploy('exit');
        expect((await complete(handle, 'exit', [String(code)])).exit).toEqual({ kind: 'exited', code });
        expect((await complete(handle, 'exit', ['0'])).exit).toEqual({ kind: 'exited', code: 0 });
      });
    }

    test('delivers every byte before it reports the exit', async () => {
      const handle = await deploy('flood');
      const result = await complete(handle, 'flood', ['5000000']);
      expect(result.exit).toEqual({ kind: 'exited', code: 0 });
      expect(result.stdout).toHaveLength(5_000_000);
    });

    test('does not read ahead of a reader that does not read', async () => {
      const handle = await deploy('flood');
      let chunks = 0;
      let taken = 0;
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const running = await runtime.run(
        handle,
        { ...fixture.program('flood', '5000000').command, env: {} },
        {
          stdout: async (chunk) => {
            chunks += 1;
            taken += chunk.length;
            await gate;
          },
          stderr: async () => undefined,
        },
      );
      await expect.poll(() => chunks, { timeout: 20_000 }).toBe(1);
      for (let turn = 0; turn < 50; turn += 1) await runtime.stats(handle);
      expect(chunks).toBe(1);
      release();
      expect(await running.exit).toEqual({ kind: 'exited', code: 0 });
      expect(taken).toBe(5_000_000);
    });

    /** Where a transfer looks for it. */
    const transferred = async (handle: string, path: string): Promise<string> =>
      join(runtime.volumeRoot(handle), volumePath(path, await runtime.guestView(handle)));

    for (const path of ['/tmp/file', 'file']) {
      test(`shares ${path} with transfers, both ways`, async () => {
        const handle = await deploy('write-file');
        expect((await complete(handle, 'write-file', [path, 'from the guest'])).exit).toEqual({
          kind: 'exited',
          code: 0,
        });
        const found = await transferred(handle, path);
        expect(readFileSync(found, 'utf8')).toBe('from the guest');
        writeFileSync(found, 'from the host');
        expect((await complete(handle, 'read-file', [path])).stdout.toString()).toBe('from the host');
        const { diskBytes, files } = await runtime.stats(handle);
        expect(diskBytes).toBeGreaterThanOrEqual('from the host'.length);
        if (!runtime.supports.diskLimit) return;
        expect(files?.count).toBeGreaterThan(0);
        expect(files?.limit).toBeGreaterThanOrEqual(1024);
      });
    }

    test('lets transfers reach no directory that the guest does not find by the same path', async () => {
      const handle = await deploy('read-file');
      for (const { guestPath } of (await runtime.guestView(handle)).directories) {
        const path = join(guestPath, 'file');
        writeFileSync(await transferred(handle, path), guestPath);
        expect((await complete(handle, 'read-file', [path])).stdout.toString()).toBe(guestPath);
      }
    });

    test('charges CPU time while it runs, and never takes it back', async () => {
      const handle = await deploy('spin');
      const { running } = await launch(handle, 'spin');
      const spent = await untilItSpins(handle);
      expect((await runtime.stats(handle)).memoryBytes).toBeGreaterThan(0);
      await running.signal('SIGKILL');
      expect((await running.exit).kind).toBe('signaled');
      const after = await runtime.stats(handle);
      expect(after.cpuNs).toBeGreaterThanOrEqual(spent);
      expect(after.memoryPeakBytes).toBeGreaterThan(0);
      expect((await runtime.stats(handle)).cpuNs).toBeGreaterThanOrEqual(after.cpuNs);
    });

    test('measures the counters of its descriptor, and no others', async () => {
      const declared = Object.keys(runtime.descriptor.counters);
      const handle = await deploy('echo', { counters: declared });
      await complete(handle, 'echo', ['a']);
      const { counters } = await runtime.stats(handle);
      expect(Object.keys(counters).sort()).toEqual(declared.sort());
      for (const value of Object.values(counters)) expect(value).toBeGreaterThanOrEqual(0n);
    });

    test('kills by signal, and runs again afterwards', async () => {
      const handle = await deploy('sleep');
      const { running } = await launch(handle, 'sleep');
      await running.signal('SIGKILL');
      expect(await running.exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
      const again = await launch(handle, 'sleep');
      await runtime.stop(handle);
      expect((await again.running.exit).kind).not.toBe('exited');
    });

    test('ends a flood at once when it is killed', async () => {
      const handle = await deploy('flood');
      const { running, firstOutput } = await launch(handle, 'flood');
      await firstOutput;
      await running.signal('SIGKILL');
      expect((await running.exit).kind).toBe('signaled');
    });

    test('destroys what runs, twice, and what is gone already', async () => {
      const handle = await deploy('sleep');
      const { running } = await launch(handle, 'sleep');
      await runtime.destroy(handle);
      expect((await running.exit).kind).not.toBe('exited');
      await runtime.destroy(handle);
    });

    test('deploys again over its own traces', async () => {
      await deploy('echo');
      const handle = await deploy('echo');
      expect((await complete(handle, 'echo', ['again'])).stdout.toString()).toBe('again\n');
    });

    test('refuses a bad package with a code', async () => {
      const refused = await deploy('echo', { packagePath: fixture.badPackagePath }).catch(
        (error: unknown) => error,
      );
      expect(isErgonError(refused) && refused.code).toMatch(/^ERR_RUNTIME_/);
    });

    test('deploys in a directory that was renamed after warming', async () => {
      const warmDir = join(dirname(fixture.workDir), 'warm');
      mkdirSync(warmDir);
      await runtime.warm?.(warmDir);
      if (existsSync(fixture.workDir)) renameSync(fixture.workDir, `${fixture.workDir}.unused`);
      renameSync(warmDir, fixture.workDir);
      const handle = await deploy('echo');
      expect((await complete(handle, 'echo', ['warm'])).stdout.toString()).toBe('warm\n');
    });

    test('freezes and thaws (where it says that it can)', async () => {
      if (!runtime.supports.suspend) return;
      const handle = await deploy('spin');
      const { running } = await launch(handle, 'spin');
      await untilItSpins(handle);
      await runtime.suspend(handle);
      const frozen = (await runtime.stats(handle)).cpuNs;
      for (let turn = 0; turn < 20; turn += 1) await runtime.stats(handle);
      // One tick of the kernel's clock may still be charged as it stops.
      expect((await runtime.stats(handle)).cpuNs - frozen).toBeLessThanOrEqual(10_000_000n);
      await runtime.resume(handle);
      await untilItSpins(handle);
      await running.signal('SIGKILL');
      await running.exit;
    });

    test('kills what it has frozen, and runs the next command (where it says that it can)', async () => {
      if (!runtime.supports.suspend) return;
      const handle = await deploy('spin');
      const { running } = await launch(handle, 'spin');
      await runtime.suspend(handle);
      await runtime.suspend(handle);
      await running.signal('SIGKILL');
      // The kernel may deliver it only now.
      await runtime.resume(handle);
      expect((await running.exit).kind).not.toBe('exited');
      await runtime.resume(handle);
      const next = await launch(handle, 'spin');
      await untilItSpins(handle);
      await runtime.suspend(handle);
      await runtime.stop(handle);
      expect((await next.running.exit).kind).not.toBe('exited');
    });

    test('destroys what it has frozen (where it says that it can)', async () => {
      if (!runtime.supports.suspend) return;
      const handle = await deploy('spin');
      const { running } = await launch(handle, 'spin');
      await runtime.suspend(handle);
      await runtime.destroy(handle);
      expect((await running.exit).kind).not.toBe('exited');
    });

    test('stops a memory hog (where it says that it can)', async () => {
      if (!runtime.supports.memoryLimit) return;
      const handle = await deploy('allocate');
      const { exit } = await complete(handle, 'allocate');
      expect(exit).toMatchObject({ kind: 'limit', limit: 'memory', limitValue: RESOURCES.memoryBytes });
    });

    test('holds the disk quota (where it says that it can)', async () => {
      if (!runtime.supports.diskLimit) return;
      const handle = await deploy('fill-disk');
      const { exit } = await complete(handle, 'fill-disk', ['/tmp/big']);
      expect(exit).toMatchObject({ kind: 'limit', limit: 'disk' });
      expect((await runtime.stats(handle)).diskBytes).toBeLessThanOrEqual(RESOURCES.storageBytes);
    });

    test('knows a foreign handle', async () => {
      const refused = await runtime
        .run(
          'not a handle',
          { entryPoint: 'echo', args: [], env: {} },
          { stdout: async () => undefined, stderr: async () => undefined },
        )
        .catch((error: unknown) => error);
      expect(isErgonError(refused) && refused.code).toBe('ERR_RUNTIME_HANDLE');
    });
  });
}

interface Launched {
  readonly running: RunningCommand;
  readonly firstOutput: Promise<void>;
  stdout(): Buffer;
  stderr(): Buffer;
}

interface Completed {
  readonly exit: RunExit;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}
