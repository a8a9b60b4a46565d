import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bubblewrap } from '../../../runtimes/wasi/sandbox/bubblewrap.ts';
import { SandboxLadder } from '../../../runtimes/wasi/sandbox/ladder.ts';
import { findCode } from '../../../runtimes/wasi/sandbox/layout.ts';
import { permissionOnly } from '../../../runtimes/wasi/sandbox/plain.ts';
import { findProgram } from '../../../runtimes/wasi/sandbox/programs.ts';
import { seccompFilter } from '../../../runtimes/wasi/sandbox/seccomp.ts';
import { SECCOMP_FD, type Sandbox } from '../../../runtimes/wasi/sandbox/sandbox.ts';
import { setpriv } from '../../../runtimes/wasi/sandbox/setpriv.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ergon-sandbox-'));
  for (const name of ['module', 'rw', 'ro']) fs.mkdirSync(path.join(directory, name));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** What a script finds that runs in the runner's place: whoever broke out of WebAssembly. */
async function inside(sandbox: Sandbox, script: string): Promise<unknown> {
  const view = {
    moduleDir: path.join(directory, 'module'),
    directories: [
      { hostPath: path.join(directory, 'rw'), readOnly: false },
      { hostPath: path.join(directory, 'ro'), readOnly: true },
    ],
  };
  const { file, args, seccomp } = sandbox.command({
    ...view,
    code: findCode(),
    nodeFlags: ['--no-warnings'],
  });
  const names = JSON.stringify(sandbox.names(view));
  const prelude = `const fs = require('node:fs'); const names = ${names};
    const tried = (f) => { try { return f() ?? 'done'; } catch (e) { return e.code ?? String(e); } };`;
  const child = spawn(file, [...args.slice(0, -1), '-e', `${prelude}${script}`], {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    env: { SECRET: 'of the daemon' },
  });
  const pipes: readonly unknown[] = child.stdio;
  (pipes[SECCOMP_FD] as Writable).end(seccomp);
  const text = async (stream: AsyncIterable<unknown>): Promise<string> => {
    let all = '';
    for await (const chunk of stream) all += String(chunk);
    return all;
  };
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return stdout === '' ? stderr : JSON.parse(stdout);
}

describe('the bubblewrap sandbox', () => {
  const sandbox = bubblewrap(findProgram, process.arch);

  it('shows nothing but node, the runner, the module and the directories', async () => {
    const seen = await inside(
      sandbox,
      `console.log(JSON.stringify({ root: fs.readdirSync('/'), code: fs.readdirSync('/ergon'), env: Object.keys(process.env),
        processes: fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length,
        etc: tried(() => fs.readdirSync('/etc')), tmp: tried(() => fs.readdirSync('/tmp')), home: tried(() => fs.readdirSync('/root')) }))`,
    );
    expect(seen).toMatchObject({ etc: 'ENOENT', tmp: 'ENOENT', home: 'ENOENT', processes: 2 });
    const { root, code, env } = seen as { root: string[]; code: string[]; env: string[] };
    expect(root.filter((name) => !/^lib/.test(name)).sort()).toEqual(
      ['ergon', 'module', 'proc', 'usr', 'volumes'].filter((name) => root.includes(name)),
    );
    expect(code).toEqual(expect.arrayContaining(['node', 'node_modules', 'package.json']));
    expect(env).toEqual(['PWD'].filter((name) => env.includes(name)));
  });

  it('lets only its directory be written to', async () => {
    const seen = await inside(
      sandbox,
      `const write = (dir) => tried(() => fs.writeFileSync(dir + '/x', ''));
       console.log(JSON.stringify([...names.directories, names.moduleDir, '/', '/ergon', '/proc/sys/kernel'].map(write)))`,
    );
    expect(seen).toEqual(['done', 'EROFS', 'EROFS', 'EROFS', 'EROFS', expect.stringMatching(/^E/)]);
    expect(fs.readdirSync(path.join(directory, 'rw'))).toEqual(['x']);
  });

  it('lets nobody turn the machine’s own knobs, who is its root outside', async () => {
    const knobs = ['kernel/core_pattern', 'kernel/panic', 'vm/overcommit_memory'];
    const seen = await inside(
      sandbox,
      `const open = (knob) => tried(() => fs.closeSync(fs.openSync('/proc/sys/' + knob, 'r+')));
       console.log(JSON.stringify(${JSON.stringify(knobs)}.map(open)))`,
    );
    expect(seen).toEqual(knobs.map((): unknown => expect.stringMatching(/^E(ROFS|ACCES)$/)));
  });

  it('has no privileges, no network and a system-call filter', async () => {
    const seen = await inside(
      sandbox,
      `const status = fs.readFileSync('/proc/self/status', 'utf8');
       const field = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)[1];
       const found = { uid: process.getuid(), caps: field('CapBnd'), privileges: field('NoNewPrivs'), seccomp: field('Seccomp') };
       require('node:net').connect(80, '127.0.0.1').on('error', (e) => console.log(JSON.stringify({ ...found, network: e.code })))`,
    );
    expect(seen).toEqual({
      uid: 65534,
      caps: '0000000000000000',
      privileges: '1',
      seccomp: '2',
      network: 'EPERM',
    });
  });
});

describe('the weaker sandboxes', () => {
  it('drop privileges and network with util-linux alone', async () => {
    const seen = await inside(
      setpriv(findProgram, process.getuid!()),
      `const status = fs.readFileSync('/proc/self/status', 'utf8');
       const caps = /^CapEff:\\s*(\\S+)/m.exec(status)[1];
       const run = tried(() => require('node:child_process').execFileSync('/bin/true'));
       require('node:net').connect(80, '127.0.0.1').on('error', (e) => console.log(JSON.stringify({ caps, run, network: e.code })))`,
    );
    expect(seen).toEqual({ caps: '0000000000000000', run: 'ERR_ACCESS_DENIED', network: 'ENETUNREACH' });
  });

  it('at least start no other program', async () => {
    const script = `console.log(JSON.stringify({ env: Object.keys(process.env), run: tried(() => require('node:child_process').execFileSync('/bin/true')) }))`;
    expect(
      await inside(
        permissionOnly(() => undefined),
        script,
      ),
    ).toMatchObject({ run: 'ERR_ACCESS_DENIED' });
  });
});

describe('the ladder', () => {
  const components = { clock: systemClock(), logger: silentLogger };
  const view = (): { moduleDir: string; directories: [] } => ({ moduleDir: directory, directories: [] });

  it('takes the strongest that comes up, and says what was wrong with the others', async () => {
    const find = (name: string): string | undefined => (name === 'bwrap' ? '/bin/false' : findProgram(name));
    const ladder = new SandboxLadder({ findProgram: find }, components);
    const runner = await ladder.launch(view(), 'pipe');
    runner.kill();
    await runner.exited;
    expect(runner.sandbox.name).toBe('setpriv');
    expect(ladder.failures.get('bubblewrap')).toContain('did not start');
  });

  it('goes down to the last rung, where there is nothing to stand on', async () => {
    const ladder = new SandboxLadder({ findProgram: () => undefined }, components);
    const runner = await ladder.launch(view(), 'pipe');
    runner.kill();
    await runner.exited;
    expect(runner.sandbox.name).toBe('permission');
    expect([...ladder.failures.values()]).toEqual(['bwrap is not installed', 'setpriv is not installed']);
  });

  it('does not go below the one that was asked for', async () => {
    const ladder = new SandboxLadder({ sandbox: 'bubblewrap', findProgram: () => undefined }, components);
    await expect(ladder.launch(view(), 'pipe')).rejects.toMatchObject({ code: 'ERR_RUNTIME_UNAVAILABLE' });
  });
});

describe('the system-call filter', () => {
  it('is there for the architectures whose numbers we have, and well-formed', () => {
    for (const architecture of ['x64', 'arm64']) expect(seccompFilter(architecture)!.length % 8).toBe(0);
    expect(seccompFilter('riscv64')).toBeUndefined();
  });
});
