import type { ActivityRecord, Batch, JournalRecord, Reason, Transaction } from '../../interface/index.ts';
import { without } from '../../util/without.ts';
import { applyUpdate, readBatches } from '../books.ts';
import { ActivityError } from '../errors.ts';
import { capturedBytes, type Folded } from '../fold.ts';
import { isFinal } from '../machine.ts';
import {
  activities,
  activityUpdates,
  batches,
  batchKey,
  needKey,
  supervisions,
  updateKey,
  type Need,
  type Supervision,
} from '../records.ts';
import { toUpdate, type ActivityUpdate } from '../updates.ts';
import type { ProviderContext } from './context.ts';
import type { LogSizes } from './logs.ts';
import { vacate } from './occupancy.ts';

/** Takes one line of the journal into the books, exactly once. */
export async function foldJournal(
  context: ProviderContext,
  activityId: string,
  line: JournalRecord,
  sizes: LogSizes,
): Promise<void> {
  await context.store.transact(async (tx) => {
    const held = await tx.get(activities, activityId);
    const supervision = await tx.get(supervisions, activityId);
    if (held === undefined || supervision === undefined || line.seq <= held.journalSeq) return;
    const record = { ...without(held, 'unreachableSince'), ...grown(held, sizes) };
    const update = toUpdate(line);
    if (update === undefined) {
      tx.put(activities, activityId, { ...record, journalSeq: line.seq });
      await foldOwn(context, tx, supervision, line);
    } else {
      await foldUpdate(context, tx, record, supervision, update);
    }
  });
  context.changes.notify(activityId);
}

/** Ends it in the books alone, when there is no journal that could say it. */
export async function endWithoutJournal(
  context: ProviderContext,
  activityId: string,
  reason: Reason,
): Promise<void> {
  await context.store.transact(async (tx) => {
    const record = await tx.get(activities, activityId);
    const supervision = await tx.get(supervisions, activityId);
    if (record === undefined || supervision === undefined || isFinal(record.state)) return;
    const at = context.clock.now();
    const seq = record.journalSeq + 1;
    await foldUpdate(context, tx, record, supervision, {
      seq,
      at,
      type: 'state',
      state: 'Terminated',
      reason,
    });
  });
  context.changes.notify(activityId);
}

async function foldUpdate(
  context: ProviderContext,
  tx: Transaction,
  record: ActivityRecord,
  supervision: Supervision,
  update: ActivityUpdate,
): Promise<void> {
  const { activityId } = record;
  const open = await readBatches(tx, activityId, supervision.openBatches);
  let folded: Folded;
  try {
    folded = applyUpdate(tx, record, open, update);
  } catch (error) {
    if (!(error instanceof ActivityError)) throw error;
    // Our own supervisor's line: a fault of the program, but no reason to lose the lines after it.
    context.logger.error({ activityId, err: error }, 'a journal line that cannot be was left out');
    tx.put(activities, activityId, { ...record, journalSeq: update.seq });
    return;
  }
  tx.put(activityUpdates, updateKey(activityId, update.seq), { activityId, update });
  tx.put(supervisions, activityId, followed(supervision, folded, update));
  if (isFinal(folded.record.state)) await vacate(tx, folded.record, context);
}

/** What the update means for what is still to be done. */
function followed(before: Supervision, folded: Folded, update: ActivityUpdate): Supervision {
  const finished = new Set(folded.batches.filter((batch) => batch.finished).map((batch) => batch.batchId));
  const failed = before.failed || (update.type === 'command-finished' && update.result.result === 'Error');
  const ended = isFinal(folded.record.state);
  const isAnswered = (batchId: string, index: number): boolean =>
    ended ||
    finished.has(batchId) ||
    (update.type === 'command-finished' && update.batchId === batchId && update.result.index === index);
  const { cancel, ...kept } = before;
  const openBatches = before.openBatches.filter((batchId) => !finished.has(batchId));
  return {
    ...kept,
    ...(cancel !== undefined && !finished.has(cancel) && { cancel }),
    failed,
    openBatches,
    ...(update.type === 'command-finished' && {
      bookedBytes: (before.bookedBytes ?? 0) + capturedBytes(update.result),
    }),
    // With its batch goes what was brought for it.
    pulledBytes: openBatches.length === 0 ? 0 : before.pulledBytes,
    needs: before.needs.filter((need) => !isAnswered(need.batchId, need.index)),
    ...(ended && { endedAt: update.at }),
  };
}

/** Lines that are none of the requestor's business. */
async function foldOwn(
  context: ProviderContext,
  tx: Transaction,
  supervision: Supervision,
  line: JournalRecord,
): Promise<void> {
  const { activityId } = supervision;
  const need = needOf(line);
  if (need !== undefined) {
    const others = supervision.needs.filter((other) => needKey(other) !== needKey(need));
    tx.put(supervisions, activityId, { ...supervision, needs: [...others, need] });
  } else if (
    line.type === 'batch' &&
    (await tx.get(batches, batchKey(activityId, line.batchId))) === undefined
  ) {
    // Books restored from a backup that is older than the journal.
    context.logger.warn({ activityId, batchId: line.batchId }, 'the journal has a batch that the books lost');
    const { batchId, script } = line;
    const batch: Batch = { batchId, activityId, script, results: [], finished: false, createdAt: line.at };
    tx.put(batches, batchKey(activityId, batchId), batch);
    tx.put(supervisions, activityId, { ...supervision, openBatches: [batchId] });
  }
}

function needOf(line: JournalRecord): Need | undefined {
  switch (line.type) {
    case 'need':
      return { batchId: line.batchId, index: line.index, hash: line.hash };
    case 'fetch':
      return { batchId: line.batchId, index: line.index, url: line.url, maxBytes: line.maxBytes };
    case 'deliver': {
      const { batchId, index, url, hash, sizeBytes } = line;
      return { batchId, index, url, hash, sizeBytes };
    }
    default:
      return undefined;
  }
}

function grown(record: LogSizes, sizes: LogSizes): LogSizes {
  return {
    stdoutBytes: Math.max(record.stdoutBytes, sizes.stdoutBytes),
    stderrBytes: Math.max(record.stderrBytes, sizes.stderrBytes),
  };
}
