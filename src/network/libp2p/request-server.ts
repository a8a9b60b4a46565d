import type { Stream } from '@libp2p/interface';
import type { Clock } from '../../interface/clock.ts';
import type { Logger } from '../../interface/logger.ts';
import type { Sender } from '../../interface/network.ts';
import { isErgonError } from '../../interface/errors.ts';
import { wireError, type Answer } from '../answer.ts';
import { deadline } from '../deadline.ts';
import type { Handlers } from '../handlers.ts';
import { decodeMessage, encodeMessage } from '../message.ts';
import { checkRequest, ENVELOPE_BYTES } from './envelope.ts';
import { FrameReader, writeFrame } from './frame-reader.ts';

const REPLY_TIMEOUT_MS = 60_000;

export interface RequestServerInit {
  readonly maxMessageBytes: number;
  /** Requests of one stream that are handled at once; the next is not read before one of them is answered. */
  readonly maxConcurrentRequests: number;
}

interface Components {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the node stops. */
  readonly signal: AbortSignal;
}

/** Answers the requests of one inbound stream until it ends. Never rejects. */
export async function serveRequests(
  stream: Stream,
  protocolId: string,
  sender: Sender,
  init: RequestServerInit,
  components: Components,
): Promise<void> {
  const gone = new AbortController();
  stream.addEventListener('close', () => gone.abort(), { once: true });
  const signal = AbortSignal.any([gone.signal, components.signal]);
  const logger = components.logger.child({ protocol: protocolId, peerId: sender.peerId });
  const reader = new FrameReader(stream, init.maxMessageBytes + ENVELOPE_BYTES);
  const running = new Set<Promise<void>>();
  try {
    for (let frame = await reader.frame(); frame !== undefined; frame = await reader.frame()) {
      // Nobody waits for the answers of what is still buffered: it will come again.
      if (signal.aborted) break;
      const { id, kind, body } = checkRequest(decodeMessage(frame));
      const task = components.handlers
        .answer(protocolId, kind, body, sender, signal)
        .then((answer) => reply(stream, encodeAnswer(id, answer, init.maxMessageBytes), components.clock))
        .catch((error: unknown) => {
          // The peer is away, or takes no answers: its requests are repeated when it is back.
          logger.debug({ err: error, kind }, 'an answer could not be sent');
          stream.abort(error instanceof Error ? error : new Error('answer not sent'));
        })
        .finally(() => running.delete(task));
      running.add(task);
      if (running.size >= init.maxConcurrentRequests) await Promise.race(running);
    }
    await Promise.all(running);
    await stream.close();
  } catch (error) {
    if (stream.status === 'open') logger.warn({ err: error }, 'a peer broke the protocol');
    await refuse(stream, error);
  }
}

/** A peer that does not take its answers in time is reset: they would pile up here. */
async function reply(stream: Stream, frame: Uint8Array, clock: Clock): Promise<void> {
  if (stream.writeStatus !== 'writable') return;
  using limit = deadline(clock, 'an answer', {}, REPLY_TIMEOUT_MS);
  await limit.race(writeFrame(stream, frame));
}

function encodeAnswer(id: number, answer: Answer, maxMessageBytes: number): Uint8Array {
  try {
    return encodeMessage({ id, ...answer }, maxMessageBytes + ENVELOPE_BYTES);
  } catch (error) {
    if (!isErgonError(error)) throw error;
    return encodeMessage(
      { id, ...wireError(error.code, `The answer is too large: ${error.message}`) },
      Infinity,
    );
  }
}

/** Tells the peer what could not be read, and ends the stream: after a broken frame nothing in it can be trusted. */
async function refuse(stream: Stream, error: unknown): Promise<void> {
  const reason = error instanceof Error ? error : new Error('protocol broken');
  if (stream.writeStatus === 'writable' && isErgonError(error)) {
    const message = encodeMessage({ id: 0, ...wireError('ERR_NETWORK_PROTOCOL', error.message) }, Infinity);
    await writeFrame(stream, message, AbortSignal.timeout(1000))
      .then(() => stream.close({ signal: AbortSignal.timeout(1000) }))
      .catch(() => undefined);
  }
  stream.abort(reason);
}
