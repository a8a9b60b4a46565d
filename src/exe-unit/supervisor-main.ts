import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExeUnitRuntime } from '../interface/exe-unit-runtime.ts';
import type { ExeUnitSpec } from '../interface/exe-unit.ts';
import { systemClock } from '../util/clock.ts';
import { errorMessage } from '../util/error-message.ts';
import { syncDirectory } from '../util/files.ts';
import { removeTree, writeFileAtomically } from './files.ts';
import { closeInheritedFiles } from './inherited-files.ts';
import { JournalWriter } from './journal/writer.ts';
import { workPaths } from './paths.ts';
import { ownIdentity } from './process-identity.ts';
import { runtimeRegistry } from './registry.ts';
import { checkSpec } from './schemas.ts';
import { listenIn } from './socket/directory-socket.ts';
import { jsonLine, readJsonLines } from './socket/lines.ts';
import {
  checkAdopt,
  checkLaunchSettings,
  type LaunchReport,
  type LaunchSettings,
} from './socket/protocol.ts';
import { lineLogger } from './supervisor/line-logger.ts';
import { watchJournalPath } from './supervisor/journal-watch.ts';
import { supervisorServer } from './supervisor/server.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/*
 * The program of a supervisor process. It comes up without an activity in a directory of its own, with its runtime
 * loaded, and waits on stdin. One line there gives it its activity: it journals that, and renames the directory to
 * the activity's name; from then on it depends on nobody. While it has none, the end of stdin is its end.
 */

const EXIT_FAILED = 70;
const clock = systemClock();
const logger = lineLogger();

async function main(settings: LaunchSettings): Promise<void> {
  closeInheritedFiles();
  await writeFileAtomically(workPaths(settings.directory).supervisor, JSON.stringify(await ownIdentity()));
  const registry = await runtimeRegistry(
    { runtimeRoots: settings.runtimeRoots, options: settings.runtimeOptions },
    { clock, logger },
  );
  const runtime = await registry.load(settings.runtime);
  if (settings.warm) await runtime.warm?.(settings.directory);
  report({ type: 'ready' });
  for await (const message of readJsonLines(process.stdin)) {
    const { spec, directory } = checkAdopt(message);
    await adopt(settings, runtime, checkSpec(spec), directory);
    return;
  }
  await removeTree(settings.directory);
  process.exit(0);
}

async function adopt(
  settings: LaunchSettings,
  runtime: ExeUnitRuntime,
  spec: ExeUnitSpec,
  directory: string,
): Promise<void> {
  const journal = await JournalWriter.create(workPaths(settings.directory).journal, clock);
  journal.append({ type: 'created', spec });
  await journal.sync();
  await rename(settings.directory, directory);
  await syncDirectory(dirname(directory));
  const supervisor = await Supervisor.create(spec, directory, { clock, logger, runtime, journal });
  handleSignals(supervisor);
  const stopWatching = watchJournalPath(workPaths(directory).journal, { journal, clock }, () => {
    logger.error({ directory }, 'the work directory is gone: ending the activity');
    void supervisor.end('Terminated', {
      code: 'SupervisorLost',
      message: 'the work directory of the activity is gone',
    });
  });
  const stopListening = await listenIn(supervisorServer({ supervisor, journal, logger }), directory);
  supervisor.start();
  report({ type: 'adopted' });
  process.stdin.destroy();
  await supervisor.done;
  stopWatching();
  // Connections that are still open end with the process; waiting for them would be waiting for the daemon.
  void stopListening();
  process.exit(0);
}

/** A supervisor that can go on no more takes its workload with it; one that is asked to stop ends it honestly. */
function handleSignals(supervisor: Supervisor): void {
  process.on('SIGTERM', () => {
    void supervisor.end('Terminated', { code: 'Provider', message: 'the supervisor was told to stop' });
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  let failing = false;
  const fail = (error: unknown): void => {
    if (failing) return;
    failing = true;
    logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'supervisor failed');
    void supervisor.kill().finally(() => process.exit(EXIT_FAILED));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

function report(message: LaunchReport): void {
  process.stdout.write(jsonLine(message));
}

// The daemon may be gone already; its supervisors do not care.
process.stdout.on('error', () => undefined);
try {
  await main(checkLaunchSettings(JSON.parse(process.argv[2] ?? 'null')));
} catch (error) {
  logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'supervisor did not start');
  report({
    type: 'failed',
    message: errorMessage(error).slice(0, 4096),
  });
  process.exitCode = EXIT_FAILED;
  process.stdin.destroy();
}
