import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { OnEnd } from '../../src/interface/end-signal.ts';
import type { RunExit, RunningCommand, RunOutput } from '../../src/interface/exe-unit-runtime.ts';
import type { Resources } from '../../src/interface/market.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { RuntimeError } from '../errors.ts';
import { Interruption } from '../shared/interruption.ts';
import type { LocalMount } from './container-spec.ts';
import descriptor from './descriptor.json' with { type: 'json' };
import { Engine } from './engine/engine.ts';
import { IMAGE_NAME } from './image/named-image.ts';
import { PINNED_IMAGE } from './image/reference.ts';
import { settingsOf } from './options.ts';
import { DockerRuntime } from './runtime.ts';

/** One program to run on this machine, as `ergon runtime run` has it. */
export interface LocalContainerRun {
  /** An archive, an image with its digest, or the name of one that the engine has. */
  readonly image: string;
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Directories of this machine that the program sees. */
  readonly dirs: readonly LocalMount[];
  /** Without them it may have all that the machine has, and 1 GiB of disk. */
  readonly limits?: Partial<Resources>;
  /** The section `runtimes.docker` of the configuration. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Where the program reads and writes, and what ends it. */
export interface LocalStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly onEnd: OnEnd;
}

const GIB = 1024 ** 3;
/** How long a program may take to end when this process is to. */
const GRACE_MS = 10_000;
const execute = promisify(execFile);

/**
 * Runs a program of an image in the container that an activity gets, and removes it.
 * @throws RuntimeError ERR_RUNTIME_PACKAGE, ERR_RUNTIME_PROGRAM, ERR_RUNTIME_ENGINE_UNREACHABLE
 */
export async function runContainerLocally(run: LocalContainerRun, streams: LocalStreams): Promise<RunExit> {
  const settings = settingsOf(run.options);
  const engine = new Engine(
    { socketPath: settings.socketPath, patienceMs: settings.enginePatienceMs },
    { clock: systemClock() },
  );
  // Somebody is waiting here: an engine that is not there is said at once.
  await engine.info();
  using interruption = new Interruption(streams.onEnd);
  const place = await mkdtemp(path.join(os.tmpdir(), 'ergon-docker-run-'));
  const components = { descriptor, clock: systemClock(), logger: silentLogger };
  const runtime = new DockerRuntime(settings, components, run.dirs);
  const workDir = path.join(place, 'work');
  const activityId = `local-${randomUUID()}`;
  try {
    await mkdir(workDir);
    const packagePath = await packageOf(run.image, place, engine);
    const spec = { activityId, workDir, packagePath, env: {}, resources: resourcesOf(run.limits) };
    const handle = await runtime.deploy(spec).catch(async (error: unknown) => {
      await runtime.discard(spec).catch(() => undefined);
      throw error;
    });
    try {
      await runtime.start(handle);
      const { signal } = interruption;
      if (signal !== undefined) return { kind: 'signaled', signal };
      return await runHere({ runtime, handle, place }, run, streams, interruption);
    } finally {
      await runtime.destroy(handle);
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

interface Place {
  readonly runtime: DockerRuntime;
  readonly handle: string;
  /** For files of this run. */
  readonly place: string;
}

async function runHere(
  { runtime, handle, place }: Place,
  { entryPoint, args, env }: LocalContainerRun,
  { stdin, stdout, stderr }: LocalStreams,
  interruption: Interruption,
): Promise<RunExit> {
  // What is read from a terminal cannot be broken off; what is read from a pipe of ours can.
  const stdinPath = path.join(place, 'stdin');
  await execute('mkfifo', [stdinPath]);
  const output: RunOutput = {
    stdout: (chunk) => write(stdout, chunk),
    stderr: (chunk) => write(stderr, chunk),
  };
  const running = await runtime.run(handle, { entryPoint, args, env, stdinPath }, output);
  const writer = createWriteStream(stdinPath);
  // The program may end before it has read everything.
  writer.on('error', () => undefined);
  stdin.pipe(writer);
  endOn(interruption, running);
  try {
    const exit = await running.exit;
    return interruption.signal === 'SIGPIPE' ? { kind: 'signaled', signal: 'SIGPIPE' } : exit;
  } finally {
    stdin.unpipe(writer);
    stdin.destroy();
    writer.destroy();
  }
}

/** Ctrl-C is the program's own affair; what else is to end this process leaves it only so much time. */
function endOn(interruption: Interruption, running: RunningCommand): void {
  interruption.aim((signal) => {
    if (signal === 'SIGINT') return void running.signal('SIGINT');
    if (signal === 'SIGKILL' || signal === 'SIGPIPE') return void running.signal('SIGKILL');
    void running.signal('SIGTERM');
    const cancel = systemClock().setTimer(() => void running.signal('SIGKILL'), GRACE_MS);
    void running.exit.then(cancel);
  });
}

/** Resolves when it has been taken. */
function write(output: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function resourcesOf(limits: Partial<Resources> = {}): Resources {
  return { cpuThreads: os.cpus().length, memoryBytes: os.totalmem(), storageBytes: GIB, ...limits };
}

async function packageOf(image: string, place: string, engine: Engine): Promise<string> {
  const isFile = await stat(image).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return path.resolve(image);
  const name = image.replace(/^docker:\/\//, '');
  const file = path.join(place, 'image.json');
  const pinned = new RegExp(PINNED_IMAGE).test(name) ? name : await pinnedHere(name, engine);
  await writeFile(file, JSON.stringify({ image: pinned }));
  return file;
}

/** What the engine has under that name now. */
async function pinnedHere(name: string, engine: Engine): Promise<string> {
  // What can be no name is asked for nowhere: a library would fail on it as if the engine were away.
  const found = IMAGE_NAME.test(name) ? await engine.inspectImage(name) : undefined;
  if (found !== undefined) return `local@${found.Id}`;
  throw new RuntimeError(
    'ERR_RUNTIME_PACKAGE',
    `There is no file ${name}, and the engine has no image of that name; pull it, or name it with its digest (name@sha256:…)`,
    { image: name },
  );
}
