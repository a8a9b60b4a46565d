import type { LogStream } from '../../../../interface/index.ts';
import type { SseMessage } from '../../../sse.ts';
import { delay } from '../../../../util/delay.ts';
import type { YagnaContext } from '../init.ts';
import { iso } from '../time.ts';
import { asOutput, formatOf } from './output.ts';
import { beginning, placeId, placeOf, type Place } from './place.ts';
import { newProgress } from './progress.ts';
import { captureOf, tellResults, type BatchStory, type ToldResult } from './results.ts';
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
  read: () => Promise<BatchStory>,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  let story = await read();
  const place = placeOf(lastEventId) ?? beginning(story);
  while (!signal.aborted) {
    const { results, finished } = tellResults(story);
    yield* startOf(story, place, results);
    const done = results.find(({ index }) => index === place.index);
    for (const { at, seq, doneBytes, kind } of await newProgress(context, story, place)) {
      place.progress = seq;
      place.doneBytes = doneBytes;
      yield message(story, place, at, kind);
    }
    yield* output(context, story, place, done, signal);
    if (done !== undefined) {
      yield message(story, place, done.at, { finished: finishedBody(done) });
      const isLast = finished && done === results.at(-1);
      place.index += 1;
      place.started = false;
      place.doneBytes = 0;
      if (isLast) return;
      continue;
    }
    if (finished) return;
    await delay(context.clock, context.limits.logPollIntervalMs, signal);
    story = await read();
  }
}

/** A command is told to start once everything before it has ended and the batch is at the provider. */
function* startOf(
  { note, batch, ...story }: BatchStory,
  place: Place,
  results: readonly ToldResult[],
): Generator<SseMessage> {
  const command = note?.commands[place.index] ?? batch?.script[place.index];
  const isThere = batch !== undefined || results.length > place.index;
  if (place.started || command === undefined || !isThere) return;
  if (place.index === 0 && note !== undefined) {
    place.stdout = note.starts.stdout;
    place.stderr = note.starts.stderr;
  }
  place.started = true;
  const at = startedAt(results, place.index) ?? batch?.createdAt ?? 0;
  yield message({ ...story, note, batch }, place, at, { started: { command } });
}

/** By the command's own result, or by the end of the one before it. */
function startedAt(results: readonly ToldResult[], index: number): number | undefined {
  const own = results.find((result) => result.index === index)?.own;
  return own?.startedAt ?? results.find((result) => result.index === index - 1)?.at;
}

async function* output(
  context: Context,
  story: BatchStory,
  place: Place,
  done: ToldResult | undefined,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  const capture = captureOf(story.note, place.index);
  if (!place.started) return;
  for (const stream of ['stdout', 'stderr'] as const) {
    const mode = capture?.[stream];
    const range = done?.own?.[stream];
    if (mode?.stream !== undefined) yield* pieces(context, story, place, { stream, range, mode }, signal);
    // Beyond what was asked for, only the place moves on.
    if (range !== undefined) place[stream] = range.end;
  }
}

interface Wanted {
  readonly stream: LogStream;
  /** Where its output lies, once it has ended. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
  readonly mode: CaptureMode;
}

/** What the log holds beyond the place, up to the client's limit; all of it, when the end is known. */
async function* pieces(
  context: Context,
  story: BatchStory,
  place: Place,
  { stream, range, mode }: Wanted,
  signal: AbortSignal,
): AsyncGenerator<SseMessage> {
  const format = formatOf(mode);
  const start = range?.start ?? startOfOutput(story, place.index, stream);
  const limit = start + (mode.stream?.limit ?? Infinity);
  const end = range === undefined ? undefined : Math.min(range.end, limit);
  while (place[stream] < (end ?? limit)) {
    const max = Math.min(CHUNK_BYTES, (end ?? limit) - place[stream]);
    // What the command has written is known to come, whole characters included.
    const hoped = Math.min(place[stream] + MAX_CHARACTER_BYTES, end ?? 0);
    await context.activities.waitLog(story.activityId, stream, hoped, signal);
    const slice = await context.activities.readLog(story.activityId, stream, place[stream], max);
    const isRest = end !== undefined && place[stream] + slice.bytes.byteLength >= end;
    const bytes = Buffer.from(slice.bytes);
    const whole = format === 'string' && !isRest ? bytes.subarray(0, wholeCharacters(bytes)) : bytes;
    if (whole.length === 0) return;
    place[stream] += whole.length;
    yield message(story, place, context.clock.now(), { [stream]: asOutput(whole, format) });
  }
}

/** Where a command's output begins while it runs: where that of the one before it has ended. */
function startOfOutput({ note, batch }: BatchStory, index: number, stream: LogStream): number {
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

function finishedBody({ result, own, message }: ToldResult): object {
  return {
    return_code: result === 'Ok' ? 0 : own?.exitCode === undefined || own.exitCode === 0 ? 1 : own.exitCode,
    message: message ?? null,
  };
}

function message(story: BatchStory, place: Place, at: number, kind: object): SseMessage {
  const batchId = story.note?.batchId ?? story.batch?.batchId ?? '';
  const data = { batch_id: batchId, index: place.index, timestamp: iso(at), kind };
  return {
    id: placeId(place, 'finished' in kind),
    event: 'runtime',
    data: JSON.stringify(data),
  };
}
