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
}

export function runtimeCommands(group: Command, commands: Commands): void {
  inspectionCommands(group, commands);
  const run = commands.group(group, 'run', 'run a package here, in the sandbox that an activity gets');
  commands.add<RunFlags>(
    run,
    {
      usage: 'wasi <module> [args...]',
      summary: 'run a WASI module with this terminal as its stdio; exits with its exit code',
      examples: [
        ['runtime run wasi hello.wasm', 'a module without arguments'],
        [
          'runtime run wasi --dir .::/work esbuild.wasm /work/in.ts --minify',
          'all that follows the module is its own',
        ],
        ['runtime run wasi --env LANG=C sort.wasm < words.txt', 'in a pipe'],
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
        .option('--cpus <count>', 'CPU threads that it may use', parseCount),
    async (session, [modulePath = '', ...args], { env = {}, dir = [], memory, cpus }) => {
      const dirs = dir.map(parseDirectory);
      const { exitStatus, runLocally } = await import('../../../runtimes/wasi/index.ts');
      const limits = {
        ...(memory !== undefined && { memoryBytes: memory }),
        ...(cpus !== undefined && { cpuThreads: cpus }),
      };
      const exit = await runLocally({ modulePath, args, env, dirs, limits });
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
