import type { CommandResult, ExeCommand, ExeScript } from '../../interface/exe-script.ts';
import type { Reason } from '../../interface/values.ts';
import { reasonOfError } from '../reasons.ts';
import { CommandFailure, type CommandFacts } from './command-failure.ts';
import { execute } from './commands.ts';
import type { RequireBlob, SupervisorContext } from './context.ts';

/** Runs the commands of a batch; the first error ends it. True when the script ends the activity. */
export async function runBatch(
  context: SupervisorContext,
  batchId: string,
  script: ExeScript,
): Promise<boolean> {
  const { journal } = context;
  let terminate = false;
  for (const [index, command] of script.entries()) {
    const result = await runCommand(context, batchId, index, command);
    journal.append({ type: 'command-finished', batchId, result });
    terminate = result.result === 'Ok' && 'terminate' in command;
    if (result.result === 'Error' || terminate) break;
  }
  return terminate;
}

async function runCommand(
  context: SupervisorContext,
  batchId: string,
  index: number,
  command: ExeCommand,
): Promise<CommandResult> {
  const { journal, clock, needs, ending, meter } = context;
  journal.append({ type: 'command-started', batchId, index });
  const startedAt = clock.now();
  const requireBlob: RequireBlob = (hash) =>
    needs.require(hash, ending.signal, () => journal.append({ type: 'need', batchId, index, hash }));
  const outcome = await attempt(context, command, requireBlob);
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
  context: SupervisorContext,
  command: ExeCommand,
  requireBlob: RequireBlob,
): Promise<{ facts: CommandFacts; reason?: Reason }> {
  try {
    if (isWork(command)) await context.suspension.pass(context.ending.signal);
    const facts = await execute(context, command, requireBlob);
    return context.ending.reason === undefined ? { facts } : { facts, reason: context.ending.reason };
  } catch (error) {
    const failure = error instanceof CommandFailure ? error : new CommandFailure(reasonOfError(error));
    return { facts: failure.facts, reason: context.ending.reason ?? failure.reason };
  }
}

/** What a suspended activity has to wait with. */
function isWork(command: ExeCommand): boolean {
  return !('sign' in command || 'terminate' in command);
}
