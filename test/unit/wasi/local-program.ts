/* `local-program.ts '{…LocalRun…}'`: runs a module as `ergon runtime run wasi` does. */
import { exitStatus } from '../../../runtimes/shared/exit-status.ts';
import { runLocally, type LocalRun } from '../../../runtimes/wasi/index.ts';

try {
  const exit = await runLocally(JSON.parse(process.argv[2] ?? '{}') as LocalRun);
  if (exit.fuelUsed !== undefined) process.stderr.write(`fuel: ${exit.fuelUsed}\n`);
  process.exitCode = exitStatus(exit);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 99;
}
