import type {
  ActivityRecord,
  ActivityState,
  Batch,
  CommandResult,
  JsonValue,
  Reason,
  UsageSample,
} from '../interface/index.ts';
import { MAX_BATCH_CAPTURE_BYTES } from '../interface/exe-script.ts';
import { jsonBytes } from '../util/json-bytes.ts';
import { without } from '../util/without.ts';
import { ActivityError } from './errors.ts';
import { isFinal } from './machine.ts';
import type { ActivityUpdate } from './updates.ts';

/** What one update makes of the books. */
export interface Folded {
  readonly record: ActivityRecord;
  /** Only the ones that changed. */
  readonly batches: readonly Batch[];
  readonly sample?: UsageSample;
  readonly events: readonly { readonly type: string; readonly data: Readonly<Record<string, JsonValue>> }[];
}

type UpdateOf<T extends ActivityUpdate['type']> = Extract<ActivityUpdate, { type: T }>;

/** Each command adds two entries to a record that is written with each update: the books' events have them all. */
const MAX_HISTORY = 256;
/** When the history is full the first entries stay, how it began, and the newest. */
const KEPT_FIRST = 16;
const CUT_SHORT: Reason = { code: 'Error', message: 'The batch ended before this command was done' };

/**
 * Takes one update into the record and the batches that are open. Pure, and the same on both sides: the provider
 * folds its supervisor's journal, the requestor what the provider reports. An update at or before `journalSeq` has
 * been taken in already and changes nothing.
 * @throws ActivityError ERR_ACTIVITY_UPDATE_INVALID for what cannot be
 */
export function fold(before: ActivityRecord, open: readonly Batch[], update: ActivityUpdate): Folded {
  if (update.seq <= before.journalSeq || isFinal(before.state)) {
    return { record: before, batches: [], events: [] };
  }
  const record = { ...before, journalSeq: update.seq };
  switch (update.type) {
    case 'state':
      return foldState(record, open, update);
    case 'command-started':
      return {
        record,
        batches: [],
        events: [{ type: 'batch.command-started', data: { batchId: update.batchId, index: update.index } }],
      };
    case 'progress':
      return { record, batches: [], events: [{ type: 'command.progress', data: progressData(update) }] };
    case 'command-finished':
      return foldResult(record, openBatch(open, update), update);
    case 'batch-finished':
      return foldBatchEnd(record, openBatch(open, update), update.at);
    case 'usage':
      return foldUsage(record, update);
  }
}

function foldState(record: ActivityRecord, open: readonly Batch[], update: UpdateOf<'state'>): Folded {
  const after: ActivityRecord = {
    ...without(without(record, 'pending'), 'holds'),
    state: update.state,
    ...(update.holds !== undefined && { holds: update.holds }),
    ...(update.pending !== undefined && { pending: update.pending }),
    ...(update.reason !== undefined && { reason: update.reason }),
    history:
      update.state === record.state ? record.history : lengthen(record.history, update.state, update.at),
  };
  const change = {
    type: 'activity.state-changed',
    data: {
      state: update.state,
      ...(update.pending !== undefined && { pending: update.pending }),
      ...(update.holds !== undefined && { holds: update.holds }),
      ...(update.reason !== undefined && { reason: update.reason }),
    },
  };
  if (!isFinal(update.state)) return { record: after, batches: [], events: [change] };
  const batches = open.map((batch) => closeBatch(batch, update.at, update.reason ?? CUT_SHORT, update.state));
  const ended = {
    type: 'activity.ended',
    data: {
      state: update.state,
      ...(update.reason !== undefined && { reason: update.reason }),
      ...(record.usage !== undefined && { usage: record.usage }),
    },
  };
  return { record: after, batches, events: [...batches.map(batchFinished), change, ended] };
}

function foldResult(record: ActivityRecord, batch: Batch, update: UpdateOf<'command-finished'>): Folded {
  const { result } = update;
  if (result.index !== batch.results.length || result.index >= batch.script.length) {
    throw invalid(`result ${result.index} after ${batch.results.length} of ${batch.script.length}`, update);
  }
  const captured = [...batch.results, result].reduce((sum, one) => sum + capturedBytes(one), 0);
  if (captured > MAX_BATCH_CAPTURE_BYTES) {
    throw invalid(`captures of ${captured} bytes in one batch`, update);
  }
  const after: ActivityRecord = {
    ...record,
    stdoutBytes: Math.max(record.stdoutBytes, result.stdout?.end ?? 0),
    stderrBytes: Math.max(record.stderrBytes, result.stderr?.end ?? 0),
  };
  return {
    record: after,
    batches: [{ ...batch, results: [...batch.results, result] }],
    events: [{ type: 'batch.command-finished', data: { batchId: batch.batchId, result } }],
  };
}

/** What a result holds of its program's output, as JSON. */
export function capturedBytes({ stdoutCapture, stderrCapture }: CommandResult): number {
  return [stdoutCapture, stderrCapture].reduce((sum, one) => sum + (one ? jsonBytes(one.data) : 0), 0);
}

function progressData(update: UpdateOf<'progress'>): Readonly<Record<string, JsonValue>> {
  const { batchId, index, done, total, message } = update;
  return { batchId, index, done, ...(total !== undefined && { total }), message };
}

function foldBatchEnd(record: ActivityRecord, batch: Batch, at: number): Folded {
  const finished = closeBatch(batch, at, record.reason ?? CUT_SHORT);
  return { record, batches: [finished], events: [batchFinished(finished)] };
}

function foldUsage(record: ActivityRecord, update: UpdateOf<'usage'>): Folded {
  const { sample } = update;
  if (sample.sequence !== (record.usage?.sequence ?? 0) + 1) {
    throw invalid(`usage sample ${sample.sequence} after ${record.usage?.sequence ?? 0}`, update);
  }
  for (const [counter, before] of Object.entries(record.usage?.counters ?? {})) {
    const now = sample.counters[counter];
    if (now === undefined || BigInt(now) < BigInt(before)) {
      throw invalid(`counter ${counter} at ${now ?? 'nothing'} after ${before}`, update);
    }
  }
  return {
    record: { ...record, usage: sample },
    batches: [],
    sample,
    events: [{ type: 'activity.usage-sampled', data: { sample } }],
  };
}

/**
 * A batch without all of its results is finished by an error that says why, whoever left it so. Only `terminate` is
 * done by the very end of its activity.
 */
function closeBatch(batch: Batch, at: number, reason: Reason, activityEnd?: ActivityState): Batch {
  const index = batch.results.length;
  const command = batch.script[index];
  const isCut = command !== undefined && batch.results.at(-1)?.result !== 'Error';
  if (!isCut) return { ...batch, finished: true };
  const times = { startedAt: at, finishedAt: at };
  const result: CommandResult =
    activityEnd === 'Completed' && 'terminate' in command
      ? { index, result: 'Ok', ...times }
      : { index, result: 'Error', message: reason.message, reason, ...times };
  return { ...batch, results: [...batch.results, result], finished: true };
}

function batchFinished(batch: Batch): Folded['events'][number] {
  const failed = batch.results.some((result) => result.result === 'Error');
  return { type: 'batch.finished', data: { batchId: batch.batchId, result: failed ? 'Error' : 'Ok' } };
}

function openBatch(open: readonly Batch[], update: ActivityUpdate & { batchId: string }): Batch {
  const batch = open.find((one) => one.batchId === update.batchId);
  if (batch === undefined) throw invalid(`batch ${update.batchId}, which is not open`, update);
  return batch;
}

function lengthen(
  history: ActivityRecord['history'],
  state: ActivityState,
  at: number,
): ActivityRecord['history'] {
  const grown = [...history, { state, at }];
  return grown.length <= MAX_HISTORY
    ? grown
    : [...grown.slice(0, KEPT_FIRST), ...grown.slice(grown.length - MAX_HISTORY + KEPT_FIRST)];
}

function invalid(what: string, update: ActivityUpdate): ActivityError {
  return new ActivityError(
    'ERR_ACTIVITY_UPDATE_INVALID',
    `Update ${update.seq} (${update.type}) reports ${what}`,
    {
      seq: update.seq,
      type: update.type,
    },
  );
}
