import type { Command } from 'commander';
import type { RunExit } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { bytes } from '../format.ts';
import { collect, parseCount, parseDirectory, parseEnv, parseSize } from '../parse.ts';
import { inspectionCommands } from './runtime-inspection.ts';

interface RunFlags {
  readonly env?: Readonly<Record<string, string>>;
  readonly dir?: readonly string[];
  readonly memory?: number;
  readonly cpus?: number;
  readonly entryPoint?: string;
  readonly fuel?: boolean;
  readonly fuelLimit?: number;
  readonly seed?: string;
}

export function runtimeCommands(group: Command, commands: Commands): void {
  inspectionCommands(group, commands);
  const run = commands.group(group, 'run', 'run a package here, in the sandbox that an activity gets');
  commands.add<RunFlags>(
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
    (command) =>
      command
        .passThroughOptions()
        .option('--env <NAME=value>', 'an environment variable (repeatable)', parseEnv)
        .option(
          '--dir <HOST::GUEST>',
          'a directory that it sees; HOST::GUEST:ro read-only (repeatable)',
          collect,
        )
        .option('--memory <size>', 'memory that it may have, e.g. 256MiB', parseSize)
        .option('--cpus <count>', 'CPU threads that it may use', parseCount)
        .option('--entry-point <id>', 'the program of a package that has several')
        .option('--fuel', 'count the fuel that it uses')
        .option('--fuel-limit <units>', 'end it when it has used more', parseCount)
        .option('--seed <text>', 'random numbers that are the same in each run'),
    async (session, [modulePath = '', ...args], flags) => {
      const { env = {}, dir = [], memory, cpus, entryPoint, fuel, fuelLimit, seed } = flags;
      const dirs = dir.map(parseDirectory);
      const { exitStatus, RANDOM_SEED, runLocally } = await import('../../../runtimes/wasi/index.ts');
      const limits = {
        ...(memory !== undefined && { memoryBytes: memory }),
        ...(cpus !== undefined && { cpuThreads: cpus }),
      };
      const exit = await runLocally({
        modulePath,
        args,
        env: { ...env, ...(seed !== undefined && { [RANDOM_SEED]: seed }) },
        dirs,
        limits,
        ...(entryPoint !== undefined && { entryPoint }),
        ...(fuel === true && { meterFuel: true }),
        ...(fuelLimit !== undefined && { fuelLimit }),
      });
      if (exit.fuelUsed !== undefined) session.io.stderr.write(`ergon: fuel used: ${exit.fuelUsed}\n`);
      if (exit.kind !== 'exited') session.io.stderr.write(`ergon: ${whyEnded(exit)}\n`);
      return exitStatus(exit);
    },
  );
}

/** What the program itself could not say any more. */
function whyEnded(exit: Exclude<RunExit, { kind: 'exited' }>): string {
  switch (exit.kind) {
    case 'signaled':
      return `the program was ended by ${exit.signal}`;
    case 'limit':
      return `the program was ended by its ${exit.limit} limit${exit.limit === 'memory' ? ` of ${bytes(exit.limitValue)}` : ''}`;
    case 'failed':
      return exit.message;
  }
}
