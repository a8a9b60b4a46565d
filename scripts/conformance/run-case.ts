import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { COUNTER } from '../../src/interface/usage-counters.ts';
import type { ActivityRecord, TaskRecord } from '../../src/interface/index.ts';
import { ARCHIVE_LIMITS, packArchive } from '../../src/transfer/archive/index.ts';
import type { LocalPair, TaskView } from '../local-pair.ts';
import type { ConformanceCase, Expected, Source } from './case.ts';

export interface Outcome {
  readonly name: string;
  /** What was not as expected; none: it passed. */
  readonly problems: readonly string[];
  readonly wallMs: number;
  /** As the provider metered it; absent when there was nothing to meter. */
  readonly memoryPeakBytes?: number;
  readonly cpuMs?: number;
}

/** Longer than a task may take by its own limits. */
const PATIENCE_MS = 15 * 60_000;
const SHOWN = 400;

/**
 * Runs one case as a task of the requestor on the provider. It asks for nothing but the program, its input and its
 * output: limits are those of a task whose submitter knows none.
 */
export async function runCase(pair: LocalPair, entry: ConformanceCase): Promise<Outcome> {
  const started = performance.now();
  const ended = await submit(pair, entry).then((taskId) => pair.ended(taskId, PATIENCE_MS));
  const problems = await problemsOf(pair, entry, ended);
  return {
    name: entry.name,
    problems,
    wallMs: Math.round(performance.now() - started),
    ...(await figuresOf(pair, ended)),
  };
}

async function submit({ requestor }: LocalPair, entry: ConformanceCase): Promise<string> {
  const { hash } = await requestor.upload('packages', await readFile(entry.program));
  const inputs = [];
  for (const { path, from } of entry.inputs)
    inputs.push({ blob: (await requestor.upload('blobs', await bytesOf(from))).hash, path });
  const task = await requestor.call<TaskRecord>('POST', '/v1/tasks', {
    name: entry.name.slice(0, 128),
    package: hash,
    entryPoint: entry.name,
    args: entry.args,
    env: entry.env,
    ...(entry.stdin !== undefined && { stdin: entry.stdin }),
    inputs,
    outputs: Object.keys(entry.expect.outputs ?? {}),
  });
  return task.taskId;
}

async function bytesOf(from: Source): Promise<Uint8Array> {
  if ('text' in from) return Buffer.from(from.text);
  if ('file' in from) return readFile(from.file);
  const tree = {
    root: from.directory,
    path: '',
    selection: {},
    limits: { ...ARCHIVE_LIMITS, maxBytes: Infinity },
  };
  const chunks = [];
  const { signal } = new AbortController();
  for await (const chunk of packArchive({ ...tree, format: 'tar', signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function problemsOf(
  pair: LocalPair,
  { expect }: ConformanceCase,
  task: TaskView,
): Promise<readonly string[]> {
  const exitCode = task.result?.exitCode ?? task.reason?.detail?.['exitCode'];
  const problems =
    exitCode === expect.exitCode
      ? []
      : [`exit code ${String(exitCode)} instead of ${expect.exitCode}${why(task)}`];
  for (const stream of ['stdout', 'stderr'] as const) {
    const expected = expect[stream];
    const text = expected === undefined && problems.length === 0 ? '' : await pair.log(task.taskId, stream);
    if (expected !== undefined) problems.push(...differences(stream, text, expected));
    else if (problems.length > 0 && text !== '') problems.push(`${stream}: ${shown(text)}`);
  }
  if (problems.length > 0) return problems;
  for (const [path, expected] of Object.entries(expect.outputs ?? {}))
    problems.push(...differences(path, await output(pair, task, path), expected));
  return problems;
}

const why = ({ reason }: TaskView): string =>
  reason === undefined || reason.code === 'ProgramFailed' ? '' : ` (${reason.code}: ${reason.message})`;

async function output({ requestor }: LocalPair, task: TaskView, path: string): Promise<string> {
  const found = task.result?.outputs.find((candidate) => candidate.path === path);
  if (found === undefined) return '';
  return (await requestor.raw('GET', `/v1/blobs/${found.blob}`)).text();
}

function differences(what: string, text: string, expected: Expected): string[] {
  if (typeof expected === 'string')
    return text === expected ? [] : [`${what} is ${shown(text)} instead of ${shown(expected)}`];
  return expected.includes
    .filter((part) => !text.includes(part))
    .map((part) => `${what} has no ${shown(part)}: ${shown(text)}`);
}

function shown(text: string): string {
  if (text.length <= SHOWN) return JSON.stringify(text);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${JSON.stringify(text.slice(0, SHOWN))}… (${text.length} characters, ${hash})`;
}

async function figuresOf(
  { requestor }: LocalPair,
  task: TaskView,
): Promise<Pick<Outcome, 'memoryPeakBytes' | 'cpuMs'>> {
  const activityId = task.attempts.at(-1)?.activityId;
  if (activityId === undefined) return {};
  const activity = await requestor
    .call<ActivityRecord>('GET', `/v1/activities/${activityId}`)
    .catch(() => undefined);
  const counters = activity?.usage?.counters;
  if (counters === undefined) return {};
  // Billionths of a GiB, and of a second.
  return {
    memoryPeakBytes: Math.round((Number(counters[COUNTER.memoryPeak] ?? 0) / 1e9) * 2 ** 30),
    cpuMs: Math.round(Number(counters[COUNTER.cpu] ?? 0) / 1e6),
  };
}
