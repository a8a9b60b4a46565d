import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Type, type Static } from 'typebox';
import { checker } from '../../src/util/check.ts';
import type { CaseInput, ConformanceCase, LeftOut } from './case.ts';

/*
 * Directories in the layout of https://github.com/WebAssembly/wasi-testsuite (doc/specification.md): programs and,
 * beside them, specifications of the same name, in the older form or as a list of operations.
 */

const Text = Type.String();
const Run = {
  args: Type.Optional(Type.Array(Text)),
  env: Type.Optional(Type.Record(Text, Text)),
  /** A directory beside the specification that the program has as `/`. */
  root: Type.Optional(Type.Union([Text, Type.Null()])),
  /** The same as `root` before there was one: directories that it has under their own names. */
  dirs: Type.Optional(Type.Array(Text)),
};
const Plain = Type.Object({
  ...Run,
  exit_code: Type.Optional(Type.Integer()),
  stdout: Type.Optional(Text),
  stderr: Type.Optional(Text),
});
const Operation = Type.Object({
  type: Text,
  ...Run,
  exit_code: Type.Optional(Type.Integer()),
  id: Type.Optional(Text),
  payload: Type.Optional(Text),
});
const WithOperations = Type.Object({
  operations: Type.Optional(Type.Array(Operation)),
  proposals: Type.Optional(Type.Array(Text)),
});
type Plain = Static<typeof Plain>;
type Operation = Static<typeof Operation>;

const checkPlain = checker(Plain, 'test specification');
const checkWithOperations = checker(WithOperations, 'test specification');

/** What the operations say of one run, and which of them a task cannot do. */
interface Steps {
  readonly spec: Plain;
  readonly stdin?: string;
  readonly leftOut?: string;
}

/** All programs of `directory`, by name. */
export async function testsuiteCases(directory: string): Promise<(ConformanceCase | LeftOut)[]> {
  const programs = (await readdir(directory)).filter((name) => name.endsWith('.wasm')).sort();
  return Promise.all(programs.map((program) => caseOf(directory, program)));
}

async function caseOf(directory: string, file: string): Promise<ConformanceCase | LeftOut> {
  const name = basename(file, '.wasm');
  const { spec, stdin, leftOut } = await stepsOf(join(directory, `${name}.json`));
  if (leftOut !== undefined) return { name, leftOut };
  const { args = [], env = {}, exit_code: exitCode = 0, stdout, stderr } = spec;
  return {
    name,
    program: join(directory, file),
    args,
    env,
    ...(stdin !== undefined && { stdin }),
    inputs: inputsOf(directory, spec),
    expect: { exitCode, ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }) },
  };
}

function inputsOf(directory: string, { root, dirs = [] }: Plain): CaseInput[] {
  const trees = [...(typeof root === 'string' ? [[root, '/'] as const] : [])];
  const named = dirs.map((name) => [name, `/${name}/`] as const);
  return [...trees, ...named].map(([name, path]) => ({ path, from: { directory: join(directory, name) } }));
}

async function stepsOf(path: string): Promise<Steps> {
  if (!existsSync(path)) return { spec: {} };
  const document: unknown = JSON.parse(await readFile(path, 'utf8'));
  const { operations, proposals = [] } = checkWithOperations(document);
  if (proposals.length > 0) return { spec: {}, leftOut: `needs ${proposals.join(', ')}` };
  return operations === undefined ? { spec: checkPlain(document) } : fromOperations(operations);
}

function fromOperations(operations: readonly Operation[]): Steps {
  let spec: Plain = {};
  let stdin: string | undefined;
  for (const { type, payload = '', id, ...rest } of operations) {
    if (type === 'run') spec = { ...spec, ...rest };
    else if (type === 'wait') spec = { ...spec, exit_code: rest.exit_code ?? 0 };
    else if (type === 'write') stdin = (stdin ?? '') + payload;
    else if (type === 'read' && id === 'stderr') spec = { ...spec, stderr: (spec.stderr ?? '') + payload };
    else if (type === 'read') spec = { ...spec, stdout: (spec.stdout ?? '') + payload };
    else return { spec, leftOut: `needs the operation ${type}` };
  }
  return { spec, ...(stdin !== undefined && { stdin }) };
}
