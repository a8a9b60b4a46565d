import type {
  ActivityLimits,
  Agreements,
  Allocations,
  Batch,
  BlobFetcher,
  Clock,
  Pricing,
  Reason,
  RequestorActivities,
  TaskAttempt,
  TaskPhase,
  TaskRecord,
  TaskResult,
  TaskSpec,
} from '../interface/index.ts';
import { FUEL_COUNTER, isErgonError, isFinalTaskState } from '../interface/index.ts';
import { delay } from '../util/delay.ts';
import type { NewId } from '../util/id.ts';
import { demandOf, fuelLimitOf } from './demand.ts';
import { failureOf, isProviderFault } from './outcome.ts';
import { untilOutputIsHere } from './output.ts';
import { inState, withAttempt, type TaskRecords } from './records.ts';
import { outputIndex, runIndex, taskScript } from './script.ts';

export interface PhasesInit {
  /** An agreement lasts for the task's wall time limit and this much for what goes before and after. */
  readonly agreementSlackMs: number;
  /** How long an attempt looks for a provider before it fails. */
  readonly searchTimeoutMs: number;
  /** Wait before a search, or a phase that failed in an unforeseen way, is tried again. */
  readonly retryDelayMs: number;
}

export interface PhasesComponents {
  readonly records: TaskRecords;
  readonly clock: Clock;
  readonly agreements: Agreements;
  readonly activities: RequestorActivities;
  readonly allocations: Allocations;
  readonly fetcher: BlobFetcher;
  readonly newId: NewId;
}

/** Does the work of one phase and stores what came of it. Idempotent: a restarted daemon calls it again. */
export type PhaseStep = (task: TaskRecord, attempt: TaskAttempt, signal: AbortSignal) => Promise<void>;

/** What is done about a task in each of its phases. */
export function phaseSteps(
  init: PhasesInit,
  components: PhasesComponents,
): Partial<Record<TaskPhase, PhaseStep>> {
  return {
    Agreeing: agreeing(init, components),
    Creating: creating(components),
    Running: running(components),
    Collecting: collecting(components),
  };
}

/** Offers come and go and providers restart: no agreement now does not mean none in a moment. */
const PASSING = ['ERR_MARKET_NO_OFFER', 'ERR_MARKET_NOBODY_AGREED'];

const agreeing =
  (init: PhasesInit, components: PhasesComponents): PhaseStep =>
  async (task, attempt, signal) => {
    const { agreements, allocations, records, clock } = components;
    const { spec } = task;
    await allocations.create({
      allocationId: task.allocationId,
      platform: spec.platform,
      total: spec.budget,
    });
    await allocations.assign(attempt.agreementId, task.allocationId);
    try {
      const { agreement } = await agreements.request(
        {
          agreementId: attempt.agreementId,
          ...demandOf(spec),
          expiresAt: attempt.startedAt + spec.limits.wallTimeMs + init.agreementSlackMs,
          excludeProviders: task.attempts.flatMap((other) =>
            other.number < attempt.number && other.provider !== undefined ? [other.provider] : [],
          ),
        },
        signal,
      );
      await records.update(task.taskId, (now) =>
        withAttempt(now, attempt.number, { phase: 'Creating', provider: agreement.provider }),
      );
    } catch (error) {
      const searchedMs = clock.now() - attempt.startedAt;
      if (!isErgonError(error, ...PASSING) || searchedMs >= init.searchTimeoutMs) throw error;
      await searchAgain(task, attempt, error.message, components);
      await delay(clock, init.retryDelayMs, signal);
    }
  };

/** An agreement's id may be used up by a provider that never answered; the next search has its own. */
async function searchAgain(
  task: TaskRecord,
  attempt: TaskAttempt,
  why: string,
  components: PhasesComponents,
): Promise<void> {
  const { records, newId } = components;
  const message = `still looking for a provider: ${why}`.slice(0, 512);
  await records.update(task.taskId, (now) => ({
    ...withAttempt(now, attempt.number, { agreementId: newId() }),
    progress: { ...now.progress, message },
  }));
}

function limitsOf(spec: TaskSpec, { counters }: Pricing): ActivityLimits {
  const { wallTimeMs, cpuTimeMs, fuel } = spec.limits;
  const isFuelLimited = fuel !== undefined || counters.includes(FUEL_COUNTER);
  return {
    wallTimeMs,
    ...(cpuTimeMs === undefined ? {} : { cpuTimeMs }),
    ...(isFuelLimited ? { fuel: fuelLimitOf(spec) } : {}),
  };
}

const creating =
  ({ activities, agreements, records }: PhasesComponents): PhaseStep =>
  async (task, attempt) => {
    const { spec } = task;
    const record = await agreements.get(attempt.agreementId);
    if (record?.state !== 'Approved') throw lost(record?.termination?.reason ?? record?.reason);
    await activities.create({
      activityId: attempt.activityId,
      agreementId: attempt.agreementId,
      package: task.package,
      limits: limitsOf(spec, record.agreement.terms.pricing),
    });
    await activities.exec(attempt.activityId, attempt.batchId, taskScript(spec));
    await records.update(task.taskId, (now) => withAttempt(now, attempt.number, { phase: 'Running' }));
  };

const running =
  ({ activities, records, clock }: PhasesComponents): PhaseStep =>
  async (task, attempt, signal) => {
    const batch = await activities.waitBatch(attempt.activityId, attempt.batchId, signal);
    await untilOutputIsHere(activities, attempt.activityId, runOf(task, batch), signal);
    const failure = failureOf(task, batch, await activities.get(attempt.activityId));
    await records.update(task.taskId, (now) =>
      failure === undefined
        ? withAttempt(now, attempt.number, { phase: 'Collecting' })
        : failed(withResult(now, batch), attempt, failure, clock),
    );
  };

const collecting =
  ({ activities, agreements, fetcher, records, clock }: PhasesComponents): PhaseStep =>
  async (task, attempt, signal) => {
    const batch = await activities.batch(attempt.activityId, attempt.batchId);
    const agreement = (await agreements.get(attempt.agreementId))?.agreement;
    if (batch === undefined || agreement === undefined) throw lost(undefined);
    const { peerId, multiaddrs } = agreement.offer;
    const outputs = outputsOf(task, batch);
    for (const output of outputs)
      await fetcher.fetch(peerId, output.blob, { multiaddrs, maxBytes: output.sizeBytes, signal });
    await records.update(task.taskId, (now) => {
      const collected = withAttempt(withResult(now, batch), attempt.number, { phase: 'Closing' });
      return isFinalTaskState(now.state) ? collected : inState(collected, 'Succeeded', clock);
    });
  };

/** An attempt that failed: the task fails with it, or is queued again when another provider may do better. */
export function failed(task: TaskRecord, attempt: TaskAttempt, reason: Reason, clock: Clock): TaskRecord {
  const closing = withAttempt(task, attempt.number, { phase: 'Closing', reason });
  if (isFinalTaskState(task.state)) return closing;
  const again = isProviderFault(reason) && task.attempts.length < task.spec.maxAttempts;
  return again ? inState(closing, 'Queued', clock) : inState(closing, 'Failed', clock, reason);
}

function outputsOf(task: TaskRecord, batch: Batch): TaskResult['outputs'] {
  return task.spec.outputs.flatMap((path, i) => {
    const blob = batch.results.find((result) => result.index === outputIndex(task.spec, i))?.blob;
    return blob === undefined ? [] : [{ path, blob: blob.hash, sizeBytes: blob.sizeBytes }];
  });
}

function runOf(task: TaskRecord, { results }: Batch): Batch['results'][number] | undefined {
  return results.find(({ index }) => index === runIndex(task.spec));
}

function withResult(task: TaskRecord, batch: Batch): TaskRecord {
  const run = runOf(task, batch);
  const bytes = (range: { start: number; end: number } | undefined): number =>
    range === undefined ? 0 : range.end - range.start;
  return {
    ...task,
    result: {
      ...(run?.exitCode === undefined ? {} : { exitCode: run.exitCode }),
      stdoutBytes: bytes(run?.stdout),
      stderrBytes: bytes(run?.stderr),
      outputs: outputsOf(task, batch),
    },
  };
}

/** Ends an attempt whose agreement or activity is gone: a fault of the provider, with its own words if there are any. */
export class AttemptLost extends Error {
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason.message);
    this.reason = reason;
  }
}

const lost = (reason: Reason | undefined): AttemptLost =>
  new AttemptLost(
    reason ?? { code: 'AgreementLost', message: 'the agreement ended before the activity could be created' },
  );
