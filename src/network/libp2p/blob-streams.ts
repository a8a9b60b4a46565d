import type { Stream } from '@libp2p/interface';
import { isErgonError } from '../../interface/errors.ts';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import type { BlobHead, BlobServer, BlobStream, Sender } from '../../interface/network.ts';
import { errorAnswer, valueOf, wireError, type WireError } from '../answer.ts';
import { checkBlobHead } from '../blob-head.ts';
import { deadline } from '../deadline.ts';
import { NetworkError } from '../errors.ts';
import { decodeMessage, encodeMessage } from '../message.ts';
import { checkBlobReply, checkBlobRequest } from './envelope.ts';
import { FrameReader, frameOf, write, writeFrame } from './frame-reader.ts';
import { unreachable } from './request-channel.ts';

const HEADER_BYTES = 64 * 1024;
/** A reply with as many chunk hashes as there may be. */
const REPLY_BYTES = 5 * 1024 * 1024;
const HEADER_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 60_000;
/** One send to the muxer: large enough for speed, small enough that other streams get their turn. */
const SEND_BYTES = 64 * 1024;

interface Components {
  readonly server: BlobServer | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Serves one inbound blob stream: a request frame comes, a reply frame and the raw bytes go. Never rejects. */
export async function serveBlob(stream: Stream, sender: Sender, components: Components): Promise<void> {
  try {
    using limit = deadline(components.clock, 'a blob request', {}, HEADER_TIMEOUT_MS);
    const header = await limit.race(new FrameReader(stream, HEADER_BYTES).frame());
    if (header === undefined)
      throw new NetworkError('ERR_NETWORK_PROTOCOL', 'The stream ended before its request');
    const bytes = await openBlob(stream, header, sender, components);
    if (bytes !== undefined)
      for await (const piece of bytes) await writePiece(stream, piece, components.clock);
    await stream.close();
  } catch (error) {
    components.logger.debug({ err: error, peerId: sender.peerId }, 'a blob was not sent to its end');
    stream.abort(error instanceof Error ? error : new Error('blob not sent'));
  }
}

async function openBlob(
  stream: Stream,
  header: Uint8Array,
  sender: Sender,
  components: Components,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const refuse = (refusal: { error: WireError }): Promise<void> =>
    writeFrame(stream, encodeMessage(refusal, Infinity));
  try {
    const { hash, offset } = checkBlobRequest(decodeMessage(header));
    const blob = await components.server?.open(hash, sender, offset);
    if (blob === undefined) {
      await refuse(wireError('ERR_NETWORK_BLOB_NOT_FOUND', `There is no blob ${hash} for you`));
      return undefined;
    }
    const { sizeBytes, chunks } = blob;
    const reply = encodeMessage({ sizeBytes, chunks }, REPLY_BYTES);
    await writePiece(stream, frameOf(reply), components.clock);
    return blob.bytes;
  } catch (error) {
    if (!isErgonError(error))
      components.logger.error({ err: error, peerId: sender.peerId }, 'a blob could not be opened');
    const answer = errorAnswer(error);
    if ('error' in answer) await refuse(answer);
    return undefined;
  }
}

/** A peer that takes nothing for a minute holds a file open for nothing: it may resume later. */
async function writePiece(stream: Stream, piece: Uint8Array, clock: Clock): Promise<void> {
  for (let at = 0; at < piece.byteLength; at += SEND_BYTES) {
    using limit = deadline(clock, 'a blob', {}, WRITE_TIMEOUT_MS);
    await limit.race(write(stream, piece.subarray(at, at + SEND_BYTES)));
  }
}

/** The client's side, on a stream that was just opened. `stallTimeoutMs` bounds each wait for the peer. */
export async function readBlob(
  stream: Stream,
  request: { peerId: string; hash: string; offset: number },
  wait: { stallTimeoutMs: number; signal?: AbortSignal | undefined },
  clock: Clock,
): Promise<BlobStream> {
  const { peerId, hash, offset } = request;
  const reader = new FrameReader(stream, REPLY_BYTES);
  const step = stepper(stream, `blob ${hash} of ${peerId}`, wait, clock);
  try {
    await writeFrame(stream, encodeMessage({ hash, offset }, HEADER_BYTES), wait.signal);
    const frame = await step(reader.frame());
    const head = checkBlobHead(headIn(frame, peerId, hash), request);
    return { ...head, bytes: bodyOf(stream, head.sizeBytes - offset, peerId, () => step(reader.chunk())) };
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error('blob not read'));
    throw isErgonError(error) ? error : unreachable(peerId, error);
  }
}

type Step = <T>(promise: Promise<T>) => Promise<T>;

function stepper(
  stream: Stream,
  what: string,
  wait: { stallTimeoutMs: number; signal?: AbortSignal | undefined },
  clock: Clock,
): Step {
  return async (promise) => {
    using limit = deadline(
      clock,
      what,
      wait.signal === undefined ? {} : { signal: wait.signal },
      wait.stallTimeoutMs,
    );
    limit.signal.addEventListener('abort', () => stream.abort(new Error('given up')), { once: true });
    return await limit.race(promise);
  };
}

function headIn(frame: Uint8Array | undefined, peerId: string, hash: string): BlobHead {
  if (frame === undefined)
    throw new NetworkError('ERR_NETWORK_PROTOCOL', `Peer ${peerId} gave no reply for ${hash}`);
  const reply = checkedReply(frame, peerId);
  if ('sizeBytes' in reply) return reply;
  if (reply.error.code === 'ERR_NETWORK_BLOB_NOT_FOUND') {
    const message = `Peer ${peerId} has no blob ${hash} for this node`;
    throw new NetworkError('ERR_NETWORK_BLOB_NOT_FOUND', message, { peerId, hash });
  }
  valueOf(reply, peerId);
  return { sizeBytes: 0, chunks: [] };
}

function checkedReply(frame: Uint8Array, peerId: string): BlobHead | { error: WireError } {
  try {
    return checkBlobReply(decodeMessage(frame)) as BlobHead | { error: WireError };
  } catch (cause) {
    const message = `Peer ${peerId} broke the protocol: its blob reply is malformed`;
    throw new NetworkError('ERR_NETWORK_PROTOCOL', message, { peerId }, { cause });
  }
}

async function* bodyOf(
  stream: Stream,
  totalBytes: number,
  peerId: string,
  next: () => Promise<Uint8Array | undefined>,
): AsyncGenerator<Uint8Array> {
  let left = totalBytes;
  try {
    while (left > 0) {
      const chunk = await next();
      if (chunk === undefined) throw unreachable(peerId, new Error(`the stream ended ${left} bytes early`));
      if (chunk.byteLength > left) {
        throw new NetworkError('ERR_NETWORK_PROTOCOL', `Peer ${peerId} sent more bytes than it announced`, {
          peerId,
        });
      }
      left -= chunk.byteLength;
      yield chunk;
    }
    await stream.close();
  } catch (error) {
    throw isErgonError(error) ? error : unreachable(peerId, error);
  } finally {
    // After a clean close this does nothing; a reader that stops early ends the transfer here.
    if (left > 0) stream.abort(new Error('given up'));
  }
}
