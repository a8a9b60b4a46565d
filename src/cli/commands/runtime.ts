import type { Command } from 'commander';
import type { Resources, RunExit } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { bytes } from '../format.ts';
import { localDirectories } from '../local-directories.ts';
import { collect, parseCount, parseEnv, parseSize } from '../parse.ts';
import type { Session } from '../session.ts';
import { inspectionCommands } from './runtime-inspection.ts';

interface RunFlags {
  readonly env?: Readonly<Record<string, string>>;
  readonly dir?: readonly string[];
  readonly memory?: number;
  readonly cpus?: number;
}

interface WasiFlags extends RunFlags {
  readonly entryPoint?: string;
  readonly fuel?: boolean;
  readonly fuelLimit?: number;
  readonly seed?: string;
}

export function runtimeCommands(group: Command, commands: Commands): void {
  inspectionCommands(group, commands);
  const run = commands.group(group, 'run', 'run a package here, in the sandbox that an activity gets');
  wasiCommand(run, commands);
  dockerCommand(run, commands);
}

function wasiCommand(run: Command, commands: Commands): void {
  commands.add<WasiFlags>(
    run,
    {
      usage: 'wasi <module> [args...]',
      summary: 'run a WASI module or package with this terminal as its stdio; exits with its exit code',
      examples: [
        ['runtime run wasi hello.wasm', 'a module without arguments'],
        [
          'runtime run wasi --dir .::/work esbuild.wasm /work/in.ts --minify',
          'all that follows the module is its own',
        ],
        ['runtime run wasi --env LANG=C sort.wasm < words.txt', 'in a pipe'],
        ['runtime run wasi --fuel hello.wasm', 'says how much fuel (ergon.usage.wasm.fuel) it has used'],
        ['runtime run wasi --dir .::/ --entry-point render tools.zip', 'a package with a manifest.json'],
      ],
    },
    (command) => {
      runOptions(command);
      command
        .option('--entry-point <id>', 'the program of a package that has several')
        .option('--fuel', 'count the fuel that it uses')
        .option('--fuel-limit <units>', 'end it when it has used more', parseCount)
        .option('--seed <text>', 'random numbers that are the same in each run');
    },
    async (session, [modulePath = '', ...args], flags) => {
      const [{ RANDOM_SEED, runLocally }, { exitStatus }] = await Promise.all([
        import('../../../runtimes/wasi/index.ts'),
        import('../../../runtimes/shared/exit-status.ts'),
      ]);
      const { env = {}, dir = [], entryPoint, fuel, fuelLimit, seed } = flags;
      const exit = await runLocally(
        {
          modulePath,
          args,
          env: { ...env, ...(seed !== undefined && { [RANDOM_SEED]: seed }) },
          dirs: await localDirectories(dir),
          limits: limitsOf(flags),
          ...(entryPoint !== undefined && { entryPoint }),
          ...(fuel === true && { meterFuel: true }),
          ...(fuelLimit !== undefined && { fuelLimit }),
        },
        session.io,
      );
      if (exit.fuelUsed !== undefined) session.io.stderr.write(`ergon: fuel used: ${exit.fuelUsed}\n`);
      explain(session, exit);
      return exitStatus(exit);
    },
  );
}

function dockerCommand(run: Command, commands: Commands): void {
  commands.add<RunFlags & { readonly storage?: number }>(
    run,
    {
      usage: 'docker <image> <program> [args...]',
      summary: 'run a program of a container image with this terminal as its stdio; exits with its exit code',
      examples: [
        ['runtime run docker image.tar.gz sh -c "id; ls /"', 'an archive of docker save or docker export'],
        ['runtime run docker alpine:3 ls -l', 'an image that the engine has; all that follows it is its own'],
        [
          'runtime run docker --dir .::/golem/work --memory 512MiB python@sha256:… python3 job.py',
          'one that may be pulled, with this directory as the working directory',
        ],
        ['runtime run docker alpine:3 sort < words.txt', 'in a pipe'],
      ],
    },
    (command) => {
      runOptions(command);
      command.option('--storage <size>', 'disk that it may fill (default: 1GiB)', parseSize);
    },
    async (session, [image = '', entryPoint = '', ...args], flags) => {
      const [{ runContainerLocally }, { exitStatus }] = await Promise.all([
        import('../../../runtimes/docker/index.ts'),
        import('../../../runtimes/shared/exit-status.ts'),
      ]);
      const { env = {}, dir = [], storage } = flags;
      const limits = { ...limitsOf(flags), ...(storage !== undefined && { storageBytes: storage }) };
      const options = (await session.config()).runtimes.docker;
      const run = { image, entryPoint, args, env, dirs: await localDirectories(dir), limits, options };
      const exit = await runContainerLocally(run, session.io);
      explain(session, exit);
      return exitStatus(exit);
    },
  );
}

function runOptions(command: Command): void {
  command
    .passThroughOptions()
    .option('--env <NAME=value>', 'an environment variable (repeatable)', parseEnv)
    .option('--dir <HOST::GUEST>', 'a directory that it sees; HOST::GUEST:ro read-only (repeatable)', collect)
    .option('--memory <size>', 'memory that it may have, e.g. 256MiB', parseSize)
    .option('--cpus <count>', 'CPU threads that it may use', parseCount);
}

function limitsOf({ memory, cpus }: RunFlags): Partial<Resources> {
  return {
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(cpus !== undefined && { cpuThreads: cpus }),
  };
}

function explain(session: Session, exit: RunExit): void {
  // Nobody reads the output any more, as somebody wanted.
  if (exit.kind === 'signaled' && exit.signal === 'SIGPIPE') return;
  if (exit.kind !== 'exited') session.io.stderr.write(`ergon: ${whyEnded(exit)}\n`);
}

/** What the program itself could not say any more. */
function whyEnded(exit: Exclude<RunExit, { kind: 'exited' }>): string {
  switch (exit.kind) {
    case 'signaled':
      return `the program was ended by ${exit.signal}`;
    case 'limit':
      return `the program was ended by its ${exit.limit} limit${limitText(exit)}`;
    case 'failed':
      return exit.message;
  }
}

function limitText({ limit, limitValue }: Extract<RunExit, { kind: 'limit' }>): string {
  if (limit === 'memory' || limit === 'disk') return ` of ${bytes(limitValue)}`;
  return limit === 'pids' || limit === 'files' ? ` of ${limitValue}` : '';
}
