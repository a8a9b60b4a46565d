import type { ActivityRecord, Batch, Reason, TaskRecord } from '../interface/index.ts';
import { runIndex } from './script.ts';

/** How the batch of an attempt ended: undefined when all of it went well. */
export function failureOf(
  task: TaskRecord,
  batch: Batch,
  activity: ActivityRecord | undefined,
): Reason | undefined {
  const failed = batch.results.find((result) => result.result === 'Error');
  if (failed === undefined && batch.results.length === batch.script.length) return undefined;
  if (activity?.state === 'Terminated' && activity.reason !== undefined) return activity.reason;
  if (failed?.index === runIndex(task.spec) && failed.exitCode !== undefined)
    return {
      code: 'ProgramFailed',
      message: `the program ended with exit code ${failed.exitCode}`,
      detail: { exitCode: failed.exitCode },
    };
  if (failed !== undefined)
    return (
      failed.reason ?? { code: 'CommandFailed', message: failed.message ?? `command ${failed.index} failed` }
    );
  return { code: 'Error', message: 'the activity ended before its script did' };
}

/** Faults of a provider, not of the program: another provider may do better. */
const PROVIDER_FAULTS = new Set([
  'Provider',
  'SupervisorLost',
  'ProviderLost',
  'AgreementLost',
  'ERR_RUNTIME_UNAVAILABLE',
  'ERR_RUNTIME_ENGINE_UNREACHABLE',
]);

export const isProviderFault = (reason: Reason): boolean => PROVIDER_FAULTS.has(reason.code);
