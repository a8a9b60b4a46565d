import type { ActivityRecord } from '../../interface/index.ts';
import { ActivityError } from '../errors.ts';
import { isFinal } from '../machine.ts';
import { MAX_UPDATES, type UpdatesAnswer, type UpdatesRequest } from '../messages.ts';
import { activities, activityUpdates, supervisions, updateKey } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { logSizes, type LogSizes } from './logs.ts';

/** The logs grow without a word from the journal, so a waiting answer looks after them itself. */
const LOOK_EVERY_MS = 250;
/** Updates of one answer hold at most about this many bytes, well below what a message may have. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Answers as soon as there is something new to tell, or when the time is over. */
export async function waitForUpdates(
  context: ProviderContext,
  record: ActivityRecord,
  request: UpdatesRequest,
  signal: AbortSignal,
): Promise<UpdatesAnswer> {
  const { clock, changes, background } = context;
  const both = AbortSignal.any([signal, background.signal]);
  const until = clock.now() + request.waitMs;
  const subscription = changes.subscribe(record.activityId);
  try {
    for (;;) {
      const answer = await lookUp(context, request);
      const left = until - clock.now();
      if (left <= 0 || hasNews(answer, request)) return answer;
      await subscription.next(clock, both, Math.min(left, LOOK_EVERY_MS));
    }
  } finally {
    subscription.close();
  }
}

async function lookUp(context: ProviderContext, request: UpdatesRequest): Promise<UpdatesAnswer> {
  const { store } = context;
  const { activityId, afterSeq } = request;
  // Before the updates: whoever reads "final" here has everything that leads to it.
  const record = await store.get(activities, activityId);
  if ((await store.get(supervisions, activityId)) === undefined) {
    const message = `How activity ${activityId} went is forgotten here`;
    throw new ActivityError('ERR_ACTIVITY_NOT_FOUND', message, { activityId });
  }
  const sizes = await sizesOf(context, record, activityId);
  const found = await store.list(activityUpdates, {
    where: { index: 'activityId', equals: activityId },
    after: updateKey(activityId, afterSeq),
    limit: MAX_UPDATES + 1,
  });
  const updates: UpdatesAnswer['updates'] = [];
  let bytes = 0;
  for (const { value } of found) {
    bytes += JSON.stringify(value.update).length;
    if (updates.length > 0 && (bytes > MAX_ANSWER_BYTES || updates.length === MAX_UPDATES)) break;
    updates.push(value.update);
  }
  const logsFinal = record !== undefined && isFinal(record.state);
  return { updates, more: updates.length < found.length, ...sizes, logsFinal };
}

/** While a supervisor does not say, the books' figures stand. */
async function sizesOf(
  context: ProviderContext,
  record: ActivityRecord | undefined,
  activityId: string,
): Promise<LogSizes> {
  const held = { stdoutBytes: record?.stdoutBytes ?? 0, stderrBytes: record?.stderrBytes ?? 0 };
  const supervision = await context.store.get(supervisions, activityId);
  if (record === undefined || record.journalSeq === 0 || supervision?.disposed !== false) return held;
  const now = await logSizes(context, activityId).catch(() => held);
  return {
    stdoutBytes: Math.max(held.stdoutBytes, now.stdoutBytes),
    stderrBytes: Math.max(held.stderrBytes, now.stderrBytes),
  };
}

function hasNews(answer: UpdatesAnswer, request: UpdatesRequest): boolean {
  return (
    answer.updates.length > 0 ||
    answer.logsFinal ||
    answer.stdoutBytes > request.stdoutBytes ||
    answer.stderrBytes > request.stderrBytes
  );
}
