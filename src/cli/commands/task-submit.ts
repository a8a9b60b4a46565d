import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { Commands } from '../command.ts';
import { CliError } from '../errors.ts';
import { isImageArchive } from '../image-archive.ts';
import {
  collect,
  parseCount,
  parseDuration,
  parseEnv,
  parseImage,
  parseInput,
  parseOutput,
  parseSize,
} from '../parse.ts';
import { progress } from '../progress.ts';
import type { Session } from '../session.ts';
import { addPackage, uploadFile, uploadStdin } from '../upload.ts';
import { TaskView } from '../views.ts';
import { waitForTask } from './task-wait.ts';

interface SubmitFlags {
  readonly image?: string;
  readonly name?: string;
  readonly runtime?: string;
  readonly entryPoint?: string;
  readonly arg?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly cpus?: number;
  readonly memory?: number;
  readonly storage?: number;
  readonly cpuTime?: number;
  readonly timeout?: number;
  readonly fuel?: number;
  readonly network?: boolean;
  readonly budget?: string;
  readonly platform?: string;
  readonly constraint?: readonly string[];
  readonly attempts?: number;
  readonly wait?: boolean;
}

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['task submit hello.wasm --wait', 'run it, show its output, exit with its code'],
  [
    'task submit esbuild.wasm --arg /in.ts --arg --outfile=/out.js --input ./in.ts:/in.ts --output /out.js:./out.js --memory 1GiB --wait',
    'with a file in and a file out',
  ],
  [
    "task submit job.wasm --stdin - --budget 0.5 --constraint '(golem.inf.cpu.threads>=4)'",
    'stdin from a pipe, at most half a token',
  ],
  [
    'task submit --image alpine@sha256:… --entry-point sh --arg -c --arg "uname -a" --wait',
    'a program of a container image that providers have, or pull',
  ],
  [
    'task submit image.tar.gz --entry-point python3 --arg -V --wait',
    'a program of an image of your own, from `docker save` or `docker export`',
  ],
];

export function taskSubmitCommand(group: Command, commands: Commands): void {
  commands.add<SubmitFlags>(
    group,
    {
      usage: 'submit [file]',
      summary: 'run a program on the machine of a provider that this node finds',
      examples: EXAMPLES,
    },
    options,
    async (session, [file], flags) => {
      for (const output of flags.output ?? []) parseOutput(output);
      const task = await submit(session, file, flags);
      if (flags.wait === true) return waitForTask(session, task.taskId, flags.output ?? []);
      await session.print(task, () => task.taskId);
      await session.note(`Follow it with: ergon task logs -f ${task.taskId}`);
      return undefined;
    },
  );
}

function options(command: Command): void {
  command
    .option(
      '--image <name>',
      'a container image instead of a file: name@sha256:…, or one that is here',
      parseImage,
    )
    .option('--name <name>', 'for people')
    .option('--runtime <name>', 'runtime that the provider must have (default: wasi, or docker for an image)')
    .option(
      '--entry-point <name>',
      "the program to run: argv[0] for WASI (default: the file's name; main for a .zip), a program of the image for Docker",
    )
    .option('--arg <text>', 'an argument of the program (repeatable)', collect)
    .option('--env <NAME=value>', 'an environment variable (repeatable)', parseEnv)
    .option('--stdin <file>', 'what it reads from stdin; - for what is piped into this command')
    .option('--input <LOCAL:/guest>', 'a file to bring into the activity (repeatable)', collect)
    .option('--output </guest:LOCAL>', 'a file to bring back; --wait downloads it (repeatable)', collect)
    .option('--cpus <count>', 'CPU threads (default: 1)', parseCount)
    .option('--memory <size>', 'memory, e.g. 512MiB (default: 256MiB)', parseSize)
    .option('--storage <size>', 'disk (default: 256MiB)', parseSize)
    .option('--cpu-time <duration>', 'CPU time that it may use, e.g. 30s', parseDuration)
    .option('--timeout <duration>', 'wall clock that it may take (default: 10m)', parseDuration)
    .option('--fuel <units>', 'fuel that a WASI program may use (ergon.usage.wasm.fuel)', parseCount)
    .option('--network', 'the outside network that the provider sells; without it there is none')
    .option('--budget <tokens>', 'the most that may be paid (default: 1)')
    .option('--platform <name>', 'payment platform (default: ledger)')
    .option('--constraint <filter>', 'what else the provider must offer (repeatable: all of them)', collect)
    .option('--attempts <count>', 'providers to try when one fails (default: 3)', parseCount)
    .option(
      '--wait',
      'stay until it has ended: its output here, its files downloaded, its exit code passed on',
    );
}

async function submit(session: Session, file: string | undefined, flags: SubmitFlags): Promise<TaskView> {
  const shown = await progress(session.io.stderr, session.json);
  try {
    const program = await programOf(file, flags);
    shown.say(`uploading ${file ?? flags.image}`);
    const { hash } = await addPackage(session, file, flags.image);
    const inputs: { blob: string; path: string }[] = [];
    for (const { local, guest } of (flags.input ?? []).map(parseInput)) {
      shown.say(`uploading ${local}`);
      inputs.push({ blob: (await uploadFile(session, local, 'blobs')).hash, path: guest });
    }
    const stdin = flags.stdin === undefined ? undefined : (await uploadStdin(session, flags.stdin)).hash;
    shown.say('submitting');
    const body = taskBody(flags, { package: hash, ...program, inputs, stdin });
    // Sent again after a lost answer, it makes no second task.
    const headers = { 'idempotency-key': randomUUID() };
    return await (await session.client()).post('/v1/tasks', TaskView, body, headers);
  } finally {
    shown.clear();
  }
}

/** A package with a manifest names its programs itself. */
const entryPointOf = (file: string): string => (file.endsWith('.zip') ? 'main' : basename(file));

interface Program {
  readonly runtime: string | undefined;
  readonly entryPoint: string;
}

/** An image says nothing of what to run in it: its own entry point does not count. */
async function programOf(file: string | undefined, flags: SubmitFlags): Promise<Program> {
  const isImage = flags.image !== undefined || (file !== undefined && (await isImageArchive(file)));
  const runtime = flags.runtime ?? (isImage ? 'docker' : undefined);
  if (flags.entryPoint !== undefined) return { runtime, entryPoint: flags.entryPoint };
  if (runtime === 'docker') {
    const message = 'Say with --entry-point which program of the image is to run, e.g. --entry-point sh';
    throw new CliError('ERR_CLI_ARGUMENT', message);
  }
  return { runtime, entryPoint: entryPointOf(file ?? '') };
}

interface Uploads extends Program {
  readonly package: string;
  readonly inputs: readonly { readonly blob: string; readonly path: string }[];
  readonly stdin: string | undefined;
}

/** Only what was asked for: the defaults are the daemon's. */
function taskBody(flags: SubmitFlags, uploads: Uploads): object {
  const body = {
    name: flags.name,
    package: uploads.package,
    runtime: uploads.runtime,
    entryPoint: uploads.entryPoint,
    args: flags.arg,
    env: flags.env,
    stdin: uploads.stdin === undefined ? undefined : { blob: uploads.stdin },
    inputs: uploads.inputs,
    outputs: flags.output?.map((output) => parseOutput(output).guest),
    limits: {
      cpuThreads: flags.cpus,
      memoryBytes: flags.memory,
      storageBytes: flags.storage,
      cpuTimeMs: flags.cpuTime,
      wallTimeMs: flags.timeout,
      fuel: flags.fuel,
    },
    network: flags.network,
    platform: flags.platform,
    budget: flags.budget,
    constraints: conjunction(flags.constraint ?? []),
    maxAttempts: flags.attempts,
  };
  // JSON leaves out what is undefined.
  return body;
}

function conjunction(filters: readonly string[]): string | undefined {
  return filters.length > 1 ? `(&${filters.join('')})` : filters[0];
}
