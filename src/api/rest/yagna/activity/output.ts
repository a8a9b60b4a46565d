import type { CommandResult, LogStream } from '../../../../interface/index.ts';
import { delay } from '../../../../util/delay.ts';
import type { YagnaContext } from '../init.ts';
import type { CaptureMode } from './script.ts';

const CHUNK_BYTES = 1024 * 1024;
/** The copy of a log follows its activity; a provider that vanished leaves it short. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;

type Context = Pick<YagnaContext, 'activities' | 'clock' | 'stopSignal'>;
type Range = NonNullable<CommandResult['stdout']>;

/** What a client reads of a command's output: text, or a list of bytes. */
export type Output = string | number[];

export async function captured(
  context: Context,
  activityId: string,
  stream: LogStream,
  range: Range | undefined,
  mode: CaptureMode | null | undefined,
): Promise<Output | undefined> {
  if (range === undefined || (mode !== null && mode !== undefined && mode.atEnd === undefined))
    return undefined;
  const { head, tail, headTail } = { ...mode?.atEnd?.part, ...mode?.atEnd };
  const parts = partsOf(range, head ?? undefined, tail ?? undefined, headTail ?? undefined);
  const bytes = await Promise.all(
    parts.map(({ start, end }) => readRange(context, activityId, stream, start, end)),
  );
  return asOutput(Buffer.concat(bytes), mode?.atEnd?.format);
}

export function asOutput(bytes: Buffer, format: string | undefined): Output {
  return format === 'binary' || format === 'bin' ? [...bytes] : bytes.toString('utf8');
}

function partsOf(
  { start, end }: Range,
  head: number | undefined,
  tail: number | undefined,
  headTail: number | undefined,
): { start: number; end: number }[] {
  if (head !== undefined) return [{ start, end: Math.min(end, start + head) }];
  if (tail !== undefined) return [{ start: Math.max(start, end - tail), end }];
  if (headTail === undefined || end - start <= headTail) return [{ start, end }];
  const first = Math.ceil(headTail / 2);
  return [
    { start, end: start + first },
    { start: end - (headTail - first), end },
  ];
}

/** Bytes of a log that are known to exist, as soon as the copy of it has come so far. */
async function readRange(
  { activities, clock, stopSignal }: Context,
  activityId: string,
  stream: LogStream,
  start: number,
  end: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const giveUpAt = clock.now() + PATIENCE_MS;
  let offset = start;
  while (offset < end) {
    const { bytes, final } = await activities.readLog(
      activityId,
      stream,
      offset,
      Math.min(CHUNK_BYTES, end - offset),
    );
    offset += bytes.byteLength;
    chunks.push(bytes);
    if (bytes.byteLength > 0) continue;
    if (final || clock.now() > giveUpAt) break;
    await delay(clock, LOOK_MS, stopSignal);
  }
  return Buffer.concat(chunks);
}
