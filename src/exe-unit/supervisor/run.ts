import type { CommandResult, ExeCommand } from '../../interface/exe-script.ts';
import type { RunCommand, RunExit, RunningCommand, RunOutput } from '../../interface/exe-unit-runtime.ts';
import { limitExceeded, reasonOfExit } from '../reasons.ts';
import { CommandFailure, type CommandFacts } from './command-failure.ts';
import { deployedHandle, unlessAbandoned, type RequireBlob, type SupervisorContext } from './context.ts';
import type { OutputLog } from './output-log.ts';

type RunRequest = Extract<ExeCommand, { run: unknown }>['run'];

/** Runs a program to its end: its streams into the logs, its exit code into the result. */
export async function run(
  context: SupervisorContext,
  request: RunRequest,
  requireBlob: RequireBlob,
): Promise<CommandFacts> {
  const { life, runtime, suspension } = context;
  const starts = { stdout: context.stdout.bytes, stderr: context.stderr.bytes };
  const running = await life.during('run', async () => {
    const stdinPath = request.stdin === undefined ? undefined : await requireBlob(request.stdin);
    await suspension.pass(context.ending.signal);
    const handle = deployedHandle(context);
    return unlessAbandoned(
      context.ending,
      runtime.run(handle, commandOf(request, stdinPath), outputOf(context)),
    );
  });
  await suspension.runStarted();
  const exit = await exitOf(context, running, request.timeout_ms);
  // The streams are whole and on the disk before anything says that the command has ended.
  await Promise.all([context.stdout.sync(), context.stderr.sync()]);
  const facts: CommandFacts = {
    stdout: range(starts.stdout, context.stdout),
    stderr: range(starts.stderr, context.stderr),
    ...(exit.kind === 'exited' ? { exitCode: exit.code } : {}),
  };
  const why = reasonOfExit(exit);
  if (exit.kind === 'limit' && why !== undefined) context.onLimit(why);
  await suspension.runEnded();
  const failure = context.ending.reason ?? why;
  if (failure !== undefined) throw new CommandFailure(failure, facts);
  return facts;
}

function commandOf(request: RunRequest, stdinPath: string | undefined): RunCommand {
  return {
    entryPoint: request.entry_point,
    args: request.args ?? [],
    env: request.env ?? {},
    ...(stdinPath === undefined ? {} : { stdinPath }),
  };
}

function outputOf({ stdout, stderr }: SupervisorContext): RunOutput {
  return { stdout: (chunk) => stdout.append(chunk), stderr: (chunk) => stderr.append(chunk) };
}

async function exitOf(
  context: SupervisorContext,
  running: RunningCommand,
  timeoutMs: number | undefined,
): Promise<RunExit> {
  const { workClock, ending, logger } = context;
  // An end that came while the program was being started has not seen it.
  if (ending.signal.aborted)
    await running
      .signal('SIGKILL')
      .catch((error: unknown) => logger.warn({ error: String(error) }, 'signal failed'));
  const startedNs = workClock.monotonicNs();
  const cancel =
    timeoutMs === undefined
      ? undefined
      : workClock.setTimer(() => {
          const observedMs = Math.round(Number(workClock.monotonicNs() - startedNs) / 1e6);
          context.onLimit(limitExceeded('time', timeoutMs, observedMs));
        }, timeoutMs);
  try {
    return await unlessAbandoned(ending, running.exit);
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  } finally {
    cancel?.();
  }
}

function range(start: number, log: OutputLog): NonNullable<CommandResult['stdout']> {
  return { start, end: log.bytes, ...(log.truncated ? { truncated: true } : {}) };
}
