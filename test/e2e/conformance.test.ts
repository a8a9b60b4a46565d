import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLeftOut, isRun, type ConformanceCase } from '../../scripts/conformance/case.ts';
import { runCase } from '../../scripts/conformance/run-case.ts';
import { testsuiteCases } from '../../scripts/conformance/testsuite.ts';
import { MarketPair } from './market-pair.ts';

const PROGRAMS = fileURLToPath(new URL('../fixtures/wasi/', import.meta.url));

/** A directory in the layout of the WASI test suite: programs of ours, each under the names of its cases. */
const CASES: Readonly<Record<string, { program: string; spec?: object }>> = {
  corners: {
    program: 'preview1',
    spec: {
      operations: [
        { type: 'run' },
        { type: 'write', id: 'stdin', payload: 'piped' },
        { type: 'read', id: 'stderr', payload: 'said\n' },
        { type: 'wait' },
      ],
    },
  },
  older: { program: 'behave', spec: { args: ['args', 'a "b"', 'ü\n'], stdout: '["a \\"b\\"","ü\\u000a"]' } },
  environment: {
    program: 'behave',
    spec: { args: ['env', 'X'], env: { X: 'new\nline' }, stdout: 'new\nline' },
  },
  exits: { program: 'behave', spec: { args: ['exit', '255'], exit_code: 255 } },
  root: {
    program: 'behave',
    spec: { root: 'tree', args: ['read-file', '/sub/file'], stdout: 'in the tree' },
  },
  fails: { program: 'behave', spec: { args: ['echo', 'this'], stdout: 'that\n', exit_code: 1 } },
  serves: {
    program: 'behave',
    spec: { operations: [{ type: 'run' }, { type: 'connect' }, { type: 'wait' }] },
  },
  plain: { program: 'behave' },
};

describe('a test suite of WASI programs', () => {
  let directory: string;
  let pair: MarketPair;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ergon-suite-'));
    await mkdir(join(directory, 'tree/sub'), { recursive: true });
    await writeFile(join(directory, 'tree/sub/file'), 'in the tree');
    for (const [name, { program, spec }] of Object.entries(CASES)) {
      await cp(join(PROGRAMS, `${program}.wasm`), join(directory, `${name}.wasm`));
      if (spec !== undefined) await writeFile(join(directory, `${name}.json`), JSON.stringify(spec));
    }
    pair = await MarketPair.start();
  });
  afterAll(async () => {
    await pair.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('is read whole, and what a task cannot do is left out', async () => {
    const cases = await testsuiteCases(directory);
    expect(cases.map(({ name }) => name)).toEqual(Object.keys(CASES).sort());
    expect(cases.filter(isLeftOut)).toEqual([{ name: 'serves', leftOut: 'needs the operation connect' }]);
    const plain = cases.filter(isRun).find(({ name }) => name === 'plain');
    expect(plain).toMatchObject({ args: [], inputs: [], expect: { exitCode: 0 } });
  });

  it('passes through two daemons, and says what does not', async () => {
    const all = (await testsuiteCases(directory)).filter(isRun);
    const run = (name: string) =>
      runCase(
        pair,
        all.find((entry): entry is ConformanceCase => entry.name === name)!,
      );
    for (const name of ['corners', 'older', 'environment', 'exits', 'root'])
      expect(await run(name)).toMatchObject({ name, problems: [], cpuMs: expect.any(Number) });
    expect((await run('fails')).problems).toEqual([
      'exit code 0 instead of 1',
      'stdout is "this\\n" instead of "that\\n"',
    ]);
    expect((await run('plain')).problems).toEqual([
      'exit code 127 instead of 0',
      'stderr: "unknown behaviour \\n"',
    ]);
  });
});
