import type { LogStream } from '../../../../interface/index.ts';
import type { SseMessage } from '../../../sse.ts';
import { delay } from '../../../../util/delay.ts';
import type { YagnaContext } from '../init.ts';
import { iso } from '../time.ts';
import { asOutput, formatOf } from './output.ts';
import { beginning, positionId, positionOf, type StreamPosition } from './stream-position.ts';
import { newProgress } from './progress.ts';
import { captureOf, reportedResults, type BatchRecords, type ReportedResult } from './results.ts';
import type { CaptureMode } from './script-schema.ts';

const CHUNK_BYTES = 64 * 1024;
/** The longest character in UTF-8. */
const MAX_CHARACTER_BYTES = 4;

type Context = Pick<YagnaContext, 'activities' | 'clock' | 'limits' | 'events'>;

/**
 * A batch as it happens, from its beginning or from after `lastEventId`. Everything is read from what is on record, so
 * whoever comes late, or again, misses nothing and hears nothing twice.
 */
export async function* batchEvents(
  context: Context,
  read: () => Promise<BatchRecords>,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  let records = await read();
  const position = positionOf(lastEventId) ?? beginning(records);
  while (!signal.aborted) {
    const { results, finished } = reportedResults(records);
    yield* startOf(records, position, results);
    const done = results.find(({ index }) => index === position.index);
    for (const { at, seq, doneBytes, kind } of await newProgress(context, records, position)) {
      position.progress = seq;
      position.doneBytes = doneBytes;
      yield message(records, position, at, kind);
    }
    yield* output(context, records, position, done, signal);
    if (done !== undefined) {
      yield message(records, position, done.at, { finished: finishedBody(done) });
      const isLast = finished && done === results.at(-1);
      position.index += 1;
      position.started = false;
      position.doneBytes = 0;
      if (isLast) return;
      continue;
    }
    if (finished) return;
    await delay(context.clock, context.limits.logPollIntervalMs, signal);
    records = await read();
  }
}

/** A command is told to start once everything before it has ended and the batch is at the provider. */
function* startOf(
  { note, batch, ...records }: BatchRecords,
  position: StreamPosition,
  results: readonly ReportedResult[],
): Generator<SseMessage> {
  const command = note?.commands[position.index] ?? batch?.script[position.index];
  const isThere = batch !== undefined || results.length > position.index;
  if (position.started || command === undefined || !isThere) return;
  if (position.index === 0 && note !== undefined) {
    position.stdout = note.starts.stdout;
    position.stderr = note.starts.stderr;
  }
  position.started = true;
  const at = startedAt(results, position.index) ?? batch?.createdAt ?? 0;
  yield message({ ...records, note, batch }, position, at, { started: { command } });
}

/** By the command's own result, or by the end of the one before it. */
function startedAt(results: readonly ReportedResult[], index: number): number | undefined {
  const own = results.find((result) => result.index === index)?.own;
  return own?.startedAt ?? results.find((result) => result.index === index - 1)?.at;
}

async function* output(
  context: Context,
  records: BatchRecords,
  position: StreamPosition,
  done: ReportedResult | undefined,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  const capture = captureOf(records.note, position.index);
  if (!position.started) return;
  for (const stream of ['stdout', 'stderr'] as const) {
    const mode = capture?.[stream];
    const range = done?.own?.[stream];
    if (mode?.stream !== undefined)
      yield* pieces(context, records, position, { stream, range, mode }, signal);
    // Beyond what was asked for, only the position moves on.
    if (range !== undefined) position[stream] = range.end;
  }
}

interface Wanted {
  readonly stream: LogStream;
  /** Where its output lies, once it has ended. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
  readonly mode: CaptureMode;
}

/** What the log holds beyond the position, up to the client's limit; all of it, when the end is known. */
async function* pieces(
  context: Context,
  records: BatchRecords,
  position: StreamPosition,
  { stream, range, mode }: Wanted,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  const format = formatOf(mode);
  const start = range?.start ?? startOfOutput(records, position.index, stream);
  const limit = start + (mode.stream?.limit ?? Infinity);
  const end = range === undefined ? undefined : Math.min(range.end, limit);
  while (position[stream] < (end ?? limit)) {
    const max = Math.min(CHUNK_BYTES, (end ?? limit) - position[stream]);
    // What the command has written is known to come, whole characters included.
    const hoped = Math.min(position[stream] + MAX_CHARACTER_BYTES, end ?? 0);
    await context.activities.waitLog(records.activityId, stream, hoped, signal);
    const slice = await context.activities.readLog(records.activityId, stream, position[stream], max);
    const isRest = end !== undefined && position[stream] + slice.bytes.byteLength >= end;
    const bytes = Buffer.from(slice.bytes);
    const whole = format === 'string' && !isRest ? bytes.subarray(0, wholeCharacters(bytes)) : bytes;
    if (whole.length === 0) return;
    position[stream] += whole.length;
    yield message(records, position, context.clock.now(), { [stream]: asOutput(whole, format) });
  }
}

/** Where a command's output begins while it runs: where that of the one before it has ended. */
function startOfOutput({ note, batch }: BatchRecords, index: number, stream: LogStream): number {
  const ends = (batch?.results ?? []).filter((own) => own.index < index).map((own) => own[stream]?.end ?? 0);
  return Math.max(note?.starts[stream] ?? 0, ...ends);
}

/** How many of the bytes are whole characters: the rest of one that is cut off at the end is still to come. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function finishedBody({ result, own, message }: ReportedResult): object {
  return {
    return_code: result === 'Ok' ? 0 : own?.exitCode === undefined || own.exitCode === 0 ? 1 : own.exitCode,
    message: message ?? null,
  };
}

function message(records: BatchRecords, position: StreamPosition, at: number, kind: object): SseMessage {
  const batchId = records.note?.batchId ?? records.batch?.batchId ?? '';
  const data = { batch_id: batchId, index: position.index, timestamp: iso(at), kind };
  return {
    id: positionId(position, 'finished' in kind),
    event: 'runtime',
    data: JSON.stringify(data),
  };
}
