import type { CommandResult, ExeCommand, ExeScript } from '../../interface/exe-script.ts';
import { MAX_BATCH_CAPTURE_BYTES } from '../../interface/exe-script.ts';
import type { Reason } from '../../interface/values.ts';
import { reason, reasonOfError } from '../reasons.ts';
import { CommandFailure, type CommandFacts } from './command-failure.ts';
import { execute } from './commands.ts';
import { requestsOf, type DaemonRequests } from './daemon-requests.ts';
import type { BatchContext, BatchStop, Ending, SupervisorContext } from './context.ts';

/** A batch to execute. */
export interface BatchRequest {
  readonly batchId: string;
  readonly script: ExeScript;
  /** Aborts when the batch is canceled. */
  readonly canceled: AbortSignal;
}

/** Runs the commands of a batch; the first error ends it. True when the script ends the activity. */
export async function runBatch(
  supervisor: SupervisorContext,
  { batchId, script, canceled }: BatchRequest,
): Promise<boolean> {
  const context: BatchContext = {
    ...supervisor,
    batchId,
    stop: stopOf(supervisor.ending, canceled),
    captures: { leftBytes: MAX_BATCH_CAPTURE_BYTES },
  };
  let terminate = false;
  for (const [index, command] of script.entries()) {
    const result = await runCommand(context, index, command);
    context.journal.append({ type: 'command-finished', batchId, result });
    terminate = result.result === 'Ok' && 'terminate' in command;
    if (result.result === 'Error' || terminate) break;
  }
  return terminate;
}

function stopOf(ending: Ending, canceled: AbortSignal): BatchStop {
  return {
    signal: AbortSignal.any([ending.signal, canceled]),
    canceled,
    get reason() {
      return ending.reason ?? (canceled.aborted ? reason('Canceled', 'the batch was canceled') : undefined);
    },
  };
}

async function runCommand(context: BatchContext, index: number, command: ExeCommand): Promise<CommandResult> {
  const { journal, clock, ending, meter, batchId } = context;
  journal.append({ type: 'command-started', batchId, index });
  const startedAt = clock.now();
  const requests = requestsOf(context, index, progressOf(command));
  const outcome = await attempt(context, command, requests);
  requests.end();
  // An end takes its own last sample, after the results.
  if (meter.started && !ending.signal.aborted) await meter.sample();
  const times = { index, startedAt, finishedAt: Math.max(startedAt, clock.now()) };
  if (outcome.reason === undefined) return { ...times, result: 'Ok', ...outcome.facts };
  return {
    ...times,
    result: 'Error',
    message: outcome.reason.message,
    reason: outcome.reason,
    ...outcome.facts,
  };
}

async function attempt(
  context: BatchContext,
  command: ExeCommand,
  requests: DaemonRequests,
): Promise<{ facts: CommandFacts; reason?: Reason }> {
  const { stop, ending, suspension } = context;
  try {
    stop.canceled.throwIfAborted();
    if (isWork(command)) await suspension.pass(stop.signal);
    const facts = await execute(context, command, requests);
    // What was done before a cancellation took effect is done; an end undoes it all.
    return ending.reason === undefined ? { facts } : { facts, reason: ending.reason };
  } catch (error) {
    const failure = error instanceof CommandFailure ? error : new CommandFailure(reasonOfError(error));
    return { facts: failure.facts, reason: stop.reason ?? failure.reason };
  }
}

/** How often the requestor wants to be told of the progress, in milliseconds. */
function progressOf(command: ExeCommand): number | undefined {
  if ('transfer' in command) return command.transfer.progress?.updateIntervalMs;
  return 'deploy' in command ? command.deploy.progress?.updateIntervalMs : undefined;
}

/** Whether the command waits while the activity is suspended. */
function isWork(command: ExeCommand): boolean {
  return !('sign' in command || 'terminate' in command);
}
