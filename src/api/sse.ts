import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../interface/clock.ts';

/** One message of a stream of server-sent events. */
export interface SseMessage {
  /** What a client sends back as `Last-Event-ID`. */
  readonly id?: string;
  readonly event?: string;
  /** One line: JSON or base64. */
  readonly data: string;
}

export const SSE_TYPE = 'text/event-stream';
const BUFFER_BYTES = 64 * 1024;

/** Server-sent events of one server: so that its stop ends them all. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #stop: AbortSignal;

  constructor(clock: Clock, pingMs: number, stop: AbortSignal) {
    this.#clock = clock;
    this.#pingMs = pingMs;
    this.#stop = stop;
  }

  /**
   * Answers with the messages of `source`, read no faster than the client takes them. The signal that `source` gets
   * aborts when the client leaves or the server stops. A comment is sent while nothing else is, so that proxies and
   * both ends notice a dead connection.
   */
  send(reply: FastifyReply, source: (signal: AbortSignal) => AsyncIterable<SseMessage>): FastifyReply {
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, this.#stop]);
    const body = this.#readable(source(signal), gone, signal);
    return reply
      .header('content-type', `${SSE_TYPE}; charset=utf-8`)
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(body);
  }

  #readable(source: AsyncIterable<SseMessage>, gone: AbortController, signal: AbortSignal): Readable {
    const iterator = source[Symbol.asyncIterator]();
    let reading = false;
    const stream = new Readable({
      highWaterMark: BUFFER_BYTES,
      read: () => {
        if (reading) return;
        reading = true;
        const push = (text: string | null): void => {
          reading = false;
          if (text === null) stopPings();
          stream.push(text);
        };
        iterator.next().then(
          (next) => push(next.done === true ? null : formatMessage(next.value)),
          // An aborted source ends the stream; any other failure breaks it, and the client comes back.
          (error: unknown) => (signal.aborted ? push(null) : stream.destroy(asError(error))),
        );
      },
      destroy: (error, done) => {
        stopPings();
        gone.abort();
        // A generator that waits for an event is let go by the signal.
        void iterator.return?.().catch(() => undefined);
        done(error);
      },
    });
    const stopPings = this.#pings(stream);
    // The head goes out at once, so that a client knows that it is connected before anything happens.
    stream.push(': connected\n\n');
    return stream;
  }

  #pings(stream: Readable): () => void {
    let cancel = (): void => undefined;
    const arm = (): void => {
      cancel = this.#clock.setTimer(() => {
        if (stream.readableLength === 0) stream.push(': ping\n\n');
        arm();
      }, this.#pingMs);
    };
    arm();
    return () => cancel();
  }
}

/** True when the client asks for events by name: a wildcard does not. */
export function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((part) => /^\s*text\/event-stream\s*(;|$)/i.test(part));
}

function formatMessage({ id, event, data }: SseMessage): string {
  return `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
