import type { CapturedStream, CommandResult, LogStream } from '../../../../interface/index.ts';
import type { YagnaContext } from '../init.ts';
import { ourCapture } from './our-command.ts';
import type { CaptureMode } from './script-schema.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Characters that a cut went through are left out of a captured text: at most one at either side of it. */
const CUT_BYTES = 6;

type Context = Pick<YagnaContext, 'activities' | 'stopSignal'>;
type Range = NonNullable<CommandResult['stdout']>;
type Part = Pick<Range, 'start' | 'end'>;

/** What a client reads of a command's output: text, or a list of bytes. */
export type Output = string | number[];

/** As much of a command's output as its client asked for; all of it when the client does not say. */
export async function captured(
  context: Context,
  activityId: string,
  stream: LogStream,
  result: CommandResult | undefined,
  mode: CaptureMode | null | undefined,
): Promise<Output | undefined> {
  const range = result?.[stream];
  if (range === undefined) return undefined;
  const parts = partsOf(range, mode);
  const capture = stream === 'stdout' ? result?.stdoutCapture : result?.stderrCapture;
  const known = capture === undefined ? undefined : fromCapture(capture, sizeOf(parts));
  if (known !== undefined) return known;
  const bytes = await Promise.all(
    parts.map(({ start, end }) => readRange(context, activityId, stream, start, end)),
  );
  return asOutput(Buffer.concat(bytes), formatOf(mode));
}

/** The bytes of a stream as a client asked for them: text, or an array of numbers. */
export function asOutput(bytes: Buffer, format: 'string' | 'binary'): Output {
  return format === 'binary' ? [...bytes] : bytes.toString('utf8');
}

/** How a client wants the output that it has captured; text when it does not say. */
export function formatOf(mode: CaptureMode | null | undefined): 'string' | 'binary' {
  const ours = ourCapture(mode) ?? { atEnd: {} };
  return ('atEnd' in ours ? ours.atEnd.format : ours.stream.format) ?? 'string';
}

/** What the result itself holds, if that is all that was asked for; the log has the rest. */
function fromCapture({ format, data, truncated }: CapturedStream, wantedBytes: number): Output | undefined {
  const bytes = Buffer.from(data, format === 'binary' ? 'base64' : 'utf8');
  const missing = wantedBytes - bytes.length;
  if (truncated && missing > (format === 'binary' ? 0 : CUT_BYTES)) return undefined;
  return format === 'binary' ? [...bytes] : data;
}

function partsOf({ start, end }: Range, mode: CaptureMode | null | undefined): Part[] {
  const ours = ourCapture(mode) ?? { atEnd: {} };
  if ('stream' in ours) return [{ start, end: Math.min(end, start + (ours.stream.limit ?? Infinity)) }];
  const { atEnd } = ours;
  if ('head' in atEnd) return [{ start, end: Math.min(end, start + atEnd.head) }];
  if ('tail' in atEnd) return [{ start: Math.max(start, end - atEnd.tail), end }];
  if (!('headTail' in atEnd) || end - start <= atEnd.headTail) return [{ start, end }];
  const first = Math.ceil(atEnd.headTail / 2);
  return [
    { start, end: start + first },
    { start: end - (atEnd.headTail - first), end },
  ];
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Bytes of a log that are known to exist, as soon as the copy of it has come so far. */
async function readRange(
  { activities, stopSignal }: Context,
  activityId: string,
  stream: LogStream,
  start: number,
  end: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let offset = start;
  while (offset < end) {
    await activities.waitLog(activityId, stream, offset + 1, stopSignal);
    const max = Math.min(CHUNK_BYTES, end - offset);
    const { bytes } = await activities.readLog(activityId, stream, offset, max);
    if (bytes.byteLength === 0) break;
    offset += bytes.byteLength;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
