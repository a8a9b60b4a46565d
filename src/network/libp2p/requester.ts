import type { Stream } from '@libp2p/interface';
import { isErgonError } from '../../interface/errors.ts';
import type { JsonValue } from '../../interface/store.ts';
import type { Answer } from '../answer.ts';
import { raceAbort } from '../deadline.ts';
import { NetworkError } from '../errors.ts';
import { RequestChannel, unreachable } from './request-channel.ts';
import { Slots } from './slots.ts';

export interface RequesterInit {
  readonly maxMessageBytes: number;
  readonly maxConcurrentRequests: number;
}

/** Opens a stream of a protocol to a peer, dialling it when there is no connection. */
export type OpenStream = (peerId: string, protocol: string, multiaddrs: readonly string[]) => Promise<Stream>;

/** Requests that may wait for one peer and protocol beside those under way. */
const MAX_WAITING = 4096;

interface Line {
  readonly slots: Slots;
  channel: Promise<RequestChannel> | undefined;
}

/** Keeps one channel for each peer and protocol, opened at the first request and again after it broke. */
export class Requester {
  readonly #init: RequesterInit;
  readonly #open: OpenStream;
  readonly #lines = new Map<string, Line>();

  constructor(init: RequesterInit, components: { open: OpenStream }) {
    this.#init = init;
    this.#open = components.open;
  }

  async request(
    target: { peerId: string; protocol: string; multiaddrs: readonly string[] },
    kind: string,
    body: JsonValue,
    signal: AbortSignal,
  ): Promise<Answer> {
    const key = `${target.peerId} ${target.protocol}`;
    const line = this.#lines.get(key) ?? {
      slots: new Slots(this.#init.maxConcurrentRequests, MAX_WAITING),
      channel: undefined,
    };
    this.#lines.set(key, line);
    try {
      return await line.slots.run(async () => {
        const channel = await raceAbort(this.#channel(line, target), signal);
        try {
          return await channel.request(kind, body, signal);
        } catch (error) {
          if (!isErgonError(error, 'ERR_NETWORK_UNREACHABLE')) throw error;
        }
        // The connection was dead, or died: requests are idempotent by their ids, so once more over a new one.
        return await (await raceAbort(this.#channel(line, target), signal)).request(kind, body, signal);
      }, signal);
    } finally {
      if (line.slots.idle && line.channel === undefined) this.#lines.delete(key);
    }
  }

  /** Breaks all channels; what is under way is rejected. */
  close(): void {
    const error = new NetworkError('ERR_NETWORK_ABORTED', 'The node stops');
    for (const { channel } of this.#lines.values()) {
      void channel?.then(
        (open) => open.abort(error),
        () => undefined,
      );
    }
  }

  #channel(
    line: Line,
    target: { peerId: string; protocol: string; multiaddrs: readonly string[] },
  ): Promise<RequestChannel> {
    if (line.channel !== undefined) return line.channel;
    // Shared by all that wait for it, so no caller's signal may end it; the dial has its own timeout.
    const opening = this.#open(target.peerId, target.protocol, target.multiaddrs).then(
      (stream) => new RequestChannel(stream, target.peerId, this.#init.maxMessageBytes),
      (error: unknown) => {
        throw error instanceof NetworkError ? error : unreachable(target.peerId, error);
      },
    );
    line.channel = opening;
    const forget = (): void => {
      if (line.channel === opening) line.channel = undefined;
      if (line.slots.idle) this.#lines.delete(`${target.peerId} ${target.protocol}`);
    };
    opening.then((channel) => channel.closed.then(forget), forget);
    return opening;
  }
}
