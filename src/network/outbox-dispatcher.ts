import type { Clock } from '../interface/clock.ts';
import type { Logger } from '../interface/logger.ts';
import type { Network } from '../interface/network.ts';
import type { OutboxReplies, OutboxReply, ReplyHandler } from '../interface/outbox.ts';
import type { Startable } from '../interface/startable.ts';
import type { PendingMessage, Store } from '../interface/store.ts';
import { backoffMs } from '../util/backoff.ts';
import { NetworkError } from './errors.ts';
import { requestReply } from './outbox-reply.ts';
import { Pause } from './pause.ts';

export interface OutboxDispatcherInit {
  /** How long one attempt may take. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** The first and the longest pause between attempts. Defaults 1 s and 60 s. */
  readonly firstBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

export interface OutboxDispatcherComponents {
  readonly store: Store;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  /** Where a peer was last known to listen, for when it is not connected. */
  readonly multiaddrsOf?: (peerId: string) => Promise<readonly string[]>;
}

/**
 * Delivers the store's outbox: each peer's messages in order, each until it is answered or expired. An answer and what
 * follows from it are one transaction, so a crash at any moment repeats the request, never the effect of its answer.
 */
export interface OutboxDispatcher extends Startable, OutboxReplies {}

/** Sends what waits in the outbox, to each peer in order, until it is answered. */
export function outboxDispatcher(
  init: OutboxDispatcherInit,
  components: OutboxDispatcherComponents,
): OutboxDispatcher {
  return new Dispatcher(init, components);
}

/** One peer with something waiting. */
interface Line {
  readonly pause: Pause;
  attempt: number;
  /** Something was added since the outbox was last asked. */
  added: boolean;
  running: Promise<void>;
}

class Dispatcher implements OutboxDispatcher {
  readonly #init: OutboxDispatcherInit;
  readonly #components: OutboxDispatcherComponents;
  readonly #logger: Logger;
  readonly #handlers = new Map<string, ReplyHandler>();
  readonly #lines = new Map<string, Line>();
  #stopping: AbortController | undefined;
  #unsubscribe: (() => void)[] = [];

  constructor(init: OutboxDispatcherInit, components: OutboxDispatcherComponents) {
    this.#init = init;
    this.#components = components;
    this.#logger = components.logger.child({ component: 'outbox' });
  }

  onReply(protocol: string, kind: string, handler: ReplyHandler): void {
    const key = `${protocol} ${kind}`;
    if (this.#stopping !== undefined || this.#handlers.has(key)) {
      throw new NetworkError(
        'ERR_NETWORK_STATE',
        `The replies of ${key} have a handler, or it comes after the start`,
      );
    }
    this.#handlers.set(key, handler);
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    const { store, network } = this.#components;
    this.#stopping = new AbortController();
    this.#unsubscribe = [
      store.outbox.onAdded((peerIds) => {
        for (const peerId of peerIds) this.#wake(peerId);
      }),
      network.onPeer(({ peerId }) => this.#connected(peerId)),
    ];
    for (const peerId of await store.outbox.peers()) this.#wake(peerId);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new NetworkError('ERR_NETWORK_ABORTED', 'The node stops'));
    for (const off of this.#unsubscribe) off();
    this.#unsubscribe = [];
    await Promise.all([...this.#lines.values()].map(({ running }) => running));
    this.#stopping = undefined;
  }

  #wake(peerId: string): void {
    const signal = this.#stopping?.signal;
    if (signal === undefined || signal.aborted) return;
    const line = this.#lines.get(peerId);
    if (line !== undefined) {
      line.added = true;
      return;
    }
    const fresh = {
      pause: new Pause(this.#components.clock),
      attempt: 0,
      added: true,
      running: Promise.resolve(),
    };
    this.#lines.set(peerId, fresh);
    fresh.running = this.#work(peerId, fresh, signal);
  }

  /** Whoever was away is back: no reason to wait any longer. */
  #connected(peerId: string): void {
    const line = this.#lines.get(peerId);
    if (line === undefined) return;
    line.attempt = 0;
    line.pause.end();
  }

  /** Ends when nothing is left to send, in the same turn as it leaves `#lines`: an addition in between is not lost. */
  async #work(peerId: string, line: Line, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && line.added) {
      line.added = false;
      await this.#drain(peerId, line, signal);
    }
    this.#lines.delete(peerId);
  }

  async #drain(peerId: string, line: Line, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = this.#backoff(line);
      try {
        line.pause.reset();
        const message = await this.#components.store.outbox.next(peerId);
        if (message === undefined) return;
        if (await this.#deliver(message, signal)) {
          line.attempt = 0;
          continue;
        }
        waitMs = Math.min(waitMs, Math.max(0, message.expiresAt - this.#components.clock.now()));
      } catch (err) {
        this.#logger.error({ err, peerId }, 'the outbox could not be worked on');
      }
      line.attempt += 1;
      await line.pause.wait(waitMs, signal);
    }
  }

  /** True when the message is out of the outbox. */
  async #deliver(message: PendingMessage, signal: AbortSignal): Promise<boolean> {
    const { clock, multiaddrsOf } = this.#components;
    const leftMs = message.expiresAt - clock.now();
    if (leftMs <= 0) {
      await this.#expire(message);
      return true;
    }
    const multiaddrs = await multiaddrsOf?.(message.peerId);
    const reply = await requestReply(this.#components.network, message, {
      signal,
      timeoutMs: Math.min(leftMs, this.#init.requestTimeoutMs ?? 30_000),
      ...(multiaddrs === undefined ? {} : { multiaddrs }),
    });
    if ('later' in reply) {
      this.#logger.debug({ err: reply.later, ...about(message) }, 'a message waits for its next attempt');
      return false;
    }
    await this.#settle(message, reply);
    return true;
  }

  async #settle(message: PendingMessage, reply: OutboxReply): Promise<void> {
    const handler = this.#handlers.get(`${message.protocol} ${message.kind}`);
    if ('error' in reply)
      this.#logger.info({ ...about(message), code: reply.error.code }, 'a peer refused a message');
    await this.#components.store.transact(async (tx) => {
      this.#components.store.outbox.settle(tx, message);
      await handler?.(tx, message, reply);
    });
  }

  async #expire(message: PendingMessage): Promise<void> {
    const handler = this.#handlers.get(`${message.protocol} ${message.kind}`);
    const { peerId, protocol, kind, expiresAt } = message;
    const text = `${protocol} ${kind} could not be delivered to ${peerId} in time`;
    this.#logger.warn(about(message), 'a message expired undelivered');
    await this.#components.store.transact(async (tx) => {
      this.#components.store.outbox.settle(tx, message);
      tx.emit({ type: 'outbox.expired', subject: message.id, data: { peerId, protocol, kind, expiresAt } });
      await handler?.(tx, message, {
        error: { code: 'ERR_NETWORK_EXPIRED', message: text, detail: { peerId, protocol, kind, expiresAt } },
      });
    });
  }

  #backoff(line: Line): number {
    const { firstBackoffMs = 1000, maxBackoffMs = 60_000 } = this.#init;
    return backoffMs(
      { firstMs: firstBackoffMs, maxMs: maxBackoffMs },
      line.attempt + 1,
      this.#components.random,
    );
  }
}

function about({ id, peerId, protocol, kind }: PendingMessage): object {
  return { messageId: id, peerId, protocol, kind };
}
