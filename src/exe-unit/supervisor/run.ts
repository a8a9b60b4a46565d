import type { CommandResult, ExeCommand } from '../../interface/exe-script.ts';
import type { RunCommand, RunExit, RunningCommand, RunOutput } from '../../interface/exe-unit-runtime.ts';
import type { Reason } from '../../interface/values.ts';
import { errorMessage } from '../../util/error-message.ts';
import { limitExceeded, reasonOfExit } from '../reasons.ts';
import { capture } from './capture.ts';
import { CommandFailure, type CommandFacts } from './command-failure.ts';
import { deployedHandle, unlessAbandoned, type BatchContext, type RequireBlob } from './context.ts';
import { RunEnd } from './run-end.ts';
import type { OutputLog } from './output-log.ts';

type RunRequest = Extract<ExeCommand, { run: unknown }>['run'];
type Starts = Readonly<Record<'stdout' | 'stderr', number>>;

/** Runs a program to its end: its streams into the logs, its exit code into the result. */
export async function run(
  context: BatchContext,
  request: RunRequest,
  requireBlob: RequireBlob,
): Promise<CommandFacts> {
  const { lifecycle, runtime, suspension, ending, stop } = context;
  const starts = { stdout: context.stdout.bytes, stderr: context.stderr.bytes };
  const running = await lifecycle.during('run', async () => {
    const stdinPath = request.stdin === undefined ? undefined : await requireBlob(request.stdin);
    await suspension.pass(stop.signal);
    const handle = deployedHandle(context);
    return unlessAbandoned(ending, runtime.run(handle, commandOf(request, stdinPath), outputOf(context)));
  });
  await suspension.runStarted();
  const { exit, killedFor } = await exitOf(context, running, request.timeout_ms);
  // The streams are whole and on the disk before anything says that the command has ended.
  await Promise.all([context.stdout.sync(), context.stderr.sync()]);
  const why = reasonOfExit(exit);
  if (exit.kind === 'limit' && why !== undefined) context.onLimit(why);
  await suspension.runEnded();
  const facts = await factsOf(context, request, starts, exit);
  const failure = ending.reason ?? (why === undefined ? undefined : (killedFor ?? why));
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

function outputOf({ stdout, stderr }: BatchContext): RunOutput {
  return { stdout: (chunk) => stdout.append(chunk), stderr: (chunk) => stderr.append(chunk) };
}

async function exitOf(
  context: BatchContext,
  running: RunningCommand,
  timeoutMs: number | undefined,
): Promise<{ exit: RunExit; killedFor: Reason | undefined }> {
  const { workClock, ending, stop } = context;
  using end = new RunEnd(context, running);
  // An end or a cancellation that came while the program was being started has not seen it.
  if (stop.reason !== undefined) end.kill(stop.reason);
  const startedNs = workClock.monotonicNs();
  const cancelTimer =
    timeoutMs === undefined
      ? undefined
      : workClock.setTimer(() => {
          const observedMs = Math.round(Number(workClock.monotonicNs() - startedNs) / 1e6);
          end.kill(limitExceeded('time', timeoutMs, observedMs));
        }, timeoutMs);
  try {
    const exit = await unlessAbandoned(ending, running.exit);
    return { exit, killedFor: end.reason };
  } catch (error) {
    const message = errorMessage(error);
    return { exit: { kind: 'failed', message }, killedFor: end.reason };
  } finally {
    cancelTimer?.();
  }
}

async function factsOf(
  context: BatchContext,
  request: RunRequest,
  starts: Starts,
  exit: RunExit,
): Promise<CommandFacts> {
  const { stdout, stderr, paths, captures } = context;
  const ranges = { stdout: range(starts.stdout, stdout), stderr: range(starts.stderr, stderr) };
  const take = (stream: 'stdout' | 'stderr') =>
    capture({ path: paths[stream], range: ranges[stream] }, request.capture?.[stream], captures);
  const stdoutCapture = await take('stdout');
  const stderrCapture = await take('stderr');
  return {
    ...ranges,
    ...(stdoutCapture === undefined ? {} : { stdoutCapture }),
    ...(stderrCapture === undefined ? {} : { stderrCapture }),
    ...(exit.kind === 'exited' ? { exitCode: exit.code } : {}),
  };
}

function range(start: number, log: OutputLog): NonNullable<CommandResult['stdout']> {
  return { start, end: log.bytes, ...(log.truncated ? { truncated: true } : {}) };
}
