/* `local-program.ts '{…LocalRun…}'`: runs a module as `ergon runtime run wasi` does. */
import { exitStatus } from '../../../runtimes/shared/exit-status.ts';
import { runLocally, type LocalRun } from '../../../runtimes/wasi/index.ts';

try {
  process.exitCode = exitStatus(await runLocally(JSON.parse(process.argv[2] ?? '{}') as LocalRun));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 99;
}
