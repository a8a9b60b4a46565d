import type { Stream } from '@libp2p/interface';
import type { JsonValue } from '../../interface/store.ts';
import { errorMessage } from '../../util/error-message.ts';
import type { Answer, WireError } from '../answer.ts';
import { raceAbort } from '../deadline.ts';
import { NetworkError } from '../errors.ts';
import { decodeMessage, encodeMessage } from '../message.ts';
import { checkAnswer, ENVELOPE_BYTES } from './envelope.ts';
import { FrameReader, writeFrame } from './frame-reader.ts';

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One outbound stream on which requests of one protocol go to one peer; answers come back in any order. */
export class RequestChannel {
  readonly #stream: Stream;
  readonly #peerId: string;
  readonly #maxMessageBytes: number;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #broken: Error | undefined;
  /** Resolves when the channel can carry no more requests. */
  readonly closed: Promise<void>;

  constructor(stream: Stream, peerId: string, maxMessageBytes: number) {
    this.#stream = stream;
    this.#peerId = peerId;
    this.#maxMessageBytes = maxMessageBytes;
    this.closed = this.#readAnswers();
  }

  /** Rejects with ERR_NETWORK_UNREACHABLE when the stream breaks, ERR_NETWORK_PROTOCOL when the peer breaks the rules. */
  async request(kind: string, body: JsonValue, signal: AbortSignal): Promise<Answer> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#lastId += 1;
    const id = this.#lastId;
    const frame = encodeMessage({ id, kind, body }, this.#maxMessageBytes + ENVELOPE_BYTES);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending.set(id, { resolve, reject });
    try {
      // The answer may come, or the stream break, while this still waits for the peer to take the request.
      const sent = writeFrame(this.#stream, frame, signal).catch((cause: unknown) => {
        throw this.#broken ?? signal.reason ?? unreachable(this.#peerId, cause);
      });
      return await raceAbort(
        Promise.all([promise, sent]).then(([answer]) => answer),
        signal,
      );
    } finally {
      this.#pending.delete(id);
    }
  }

  abort(error: Error): void {
    this.#stream.abort(error);
  }

  async #readAnswers(): Promise<void> {
    const reader = new FrameReader(this.#stream, this.#maxMessageBytes + ENVELOPE_BYTES);
    try {
      for (let frame = await reader.frame(); frame !== undefined; frame = await reader.frame())
        this.#take(frame);
      this.#fail(unreachable(this.#peerId, new Error('the peer closed the stream')));
    } catch (error) {
      this.#fail(error instanceof NetworkError ? error : unreachable(this.#peerId, error));
    }
  }

  #take(frame: Uint8Array): void {
    const envelope = this.#checked(frame);
    if (envelope.id === 0) throw this.#violation(`it refused the stream: ${envelope.error?.message ?? ''}`);
    const pending = this.#pending.get(envelope.id);
    // An answer may come after its request was given up; a number that was never sent is made up.
    if (pending === undefined && envelope.id > this.#lastId)
      throw this.#violation('it answered what was not asked');
    pending?.resolve(envelope.error === undefined ? { ok: envelope.ok } : { error: envelope.error });
  }

  #checked(frame: Uint8Array): { id: number; ok: JsonValue; error?: WireError } {
    try {
      // Whatever JSON.parse made is JSON: the schema bounds the envelope, the caller checks the value.
      return checkAnswer(decodeMessage(frame)) as { id: number; ok: JsonValue; error?: WireError };
    } catch (cause) {
      throw this.#violation('its answer is malformed', cause);
    }
  }

  #violation(what: string, cause?: unknown): NetworkError {
    const message = `Peer ${this.#peerId} broke the protocol: ${what}`;
    return new NetworkError('ERR_NETWORK_PROTOCOL', message, { peerId: this.#peerId }, { cause });
  }

  #fail(error: Error): void {
    this.#broken = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#stream.abort(error);
  }
}

export function unreachable(peerId: string, cause: unknown): NetworkError {
  const why = errorMessage(cause);
  return new NetworkError(
    'ERR_NETWORK_UNREACHABLE',
    `Peer ${peerId} cannot be reached: ${why}`,
    { peerId },
    { cause },
  );
}
