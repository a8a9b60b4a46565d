import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { isErgonError, type LogSlice, type LogStream } from '../interface/index.ts';
import { delay } from '../util/delay.ts';
import { ApiError } from './errors.ts';
import type { RouteContext } from './route.ts';

/** Base64 makes 64 KiB of it. */
const CHUNK_BYTES = 48 * 1024;

export interface LogPosition {
  readonly activityId: string;
  readonly stream: LogStream;
  readonly offset: number;
}

export interface LogFollow {
  /** Asked when nothing new is there: true once nothing more can come, whatever the log itself knows. */
  readonly isOver: () => Promise<boolean>;
  /** How long nothing new may come once it is over, where the rest may still be on its way from the provider. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** What the log holds at `offset` now; throws when that is beyond its end. */
export async function firstSlice(context: RouteContext, at: LogPosition): Promise<LogSlice> {
  const slice = await context.logs.readLog(at.activityId, at.stream, at.offset, CHUNK_BYTES);
  if (at.offset <= slice.end) return slice;
  throw new ApiError('ERR_API_RANGE', `The log ends at ${slice.end}, before the offset ${at.offset}`, {
    end: slice.end,
  });
}

/** The log from `offset` up to `end`, where it stood when the caller looked. */
export async function* pastChunks(
  context: RouteContext,
  at: LogPosition,
  end: number,
): AsyncIterable<LogSlice> {
  let offset = at.offset;
  while (offset < end) {
    const slice = await context.logs.readLog(
      at.activityId,
      at.stream,
      offset,
      Math.min(CHUNK_BYTES, end - offset),
    );
    if (slice.bytes.byteLength === 0) return;
    offset = slice.offset + slice.bytes.byteLength;
    yield slice;
  }
}

/** The log from `offset`, past then live. A provider that cannot be reached is waited for. */
export async function* followChunks(
  context: RouteContext,
  at: LogPosition,
  follow: LogFollow,
): AsyncIterable<LogSlice> {
  let offset = at.offset;
  let idleSince: number | undefined;
  while (!follow.signal.aborted) {
    // Asked before the read, so that what came in between is still seen.
    const idleMs = idleSince === undefined ? -1 : context.clock.now() - idleSince;
    const over = idleMs >= follow.patienceMs && (await follow.isOver());
    const slice = await readOrWait(context, { ...at, offset });
    if (slice !== undefined && slice.bytes.byteLength > 0) {
      idleSince = undefined;
      offset = slice.offset + slice.bytes.byteLength;
      yield slice;
      if (slice.final && offset >= slice.end) return;
      continue;
    }
    if (over || slice?.final === true) return;
    idleSince ??= context.clock.now();
    await delay(context.clock, context.limits.logPollIntervalMs, follow.signal);
  }
}

async function readOrWait(context: RouteContext, at: LogPosition): Promise<LogSlice | undefined> {
  try {
    return await context.logs.readLog(at.activityId, at.stream, at.offset, CHUNK_BYTES);
  } catch (error) {
    if (isErgonError(error, 'ERR_NETWORK_UNREACHABLE', 'ERR_NETWORK_TIMEOUT')) return undefined;
    throw error;
  }
}

/**
 * Answers with the bytes themselves; `sizeBytes` where the end is known. The signal that `source` gets aborts when the
 * client leaves or the server stops.
 */
export function sendBytes(
  reply: FastifyReply,
  context: RouteContext,
  source: (signal: AbortSignal) => AsyncIterable<LogSlice>,
  sizeBytes?: number,
): FastifyReply {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const chunks = source(AbortSignal.any([gone.signal, context.stopSignal]));
  if (sizeBytes !== undefined) void reply.header('content-length', sizeBytes);
  return reply
    .header('content-type', 'application/octet-stream')
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
    .send(Readable.from(bytesOf(chunks), { objectMode: false }));
}

async function* bytesOf(chunks: AsyncIterable<LogSlice>): AsyncIterable<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
