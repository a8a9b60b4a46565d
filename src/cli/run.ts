import { CommanderError } from 'commander';
import { EXIT_STATUS, exitStatusOf } from './exit-status.ts';
import type { Io } from './io.ts';
import { program } from './program.ts';
import { reportError } from './report-error.ts';

/** Runs one command line (without `node ergon`) and gives its exit status. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let status: number = EXIT_STATUS.ok;
  try {
    const root = await program(argv, io, (own) => (status = own));
    await root.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    // Help and version end in one as well, with 0; what is wrong has been said.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage;
    await reportError(error, io.stderr, wantsJson(argv));
    return exitStatusOf(error);
  }
}

/** Also of a command line that could not be parsed; what stands behind a guest's module is the guest's. */
function wantsJson(argv: readonly string[]): boolean {
  const own =
    argv[0] === 'runtime'
      ? argv.slice(
          0,
          argv.findIndex((arg) => arg.endsWith('.wasm')),
        )
      : argv;
  return own.includes('--json');
}
