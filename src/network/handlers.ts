import { isErgonError } from '../interface/errors.ts';
import type { Logger } from '../interface/logger.ts';
import type { Protocol, RequestHandler, Sender } from '../interface/network.ts';
import { errorAnswer, isOwnFault, wireError, type Answer } from './answer.ts';
import { NetworkError } from './errors.ts';

/** The protocols that this node serves, and the requests of them that are under way. */
export class Handlers {
  readonly #logger: Logger | undefined;
  readonly #protocols = new Map<string, Protocol>();
  readonly #running = new Set<Promise<unknown>>();

  constructor(components: { logger?: Logger | undefined }) {
    this.#logger = components.logger;
  }

  /** Throws ERR_NETWORK_STATE for a second registration of the same protocol. */
  add(protocol: Protocol): void {
    if (this.#protocols.has(protocol.id)) {
      throw new NetworkError('ERR_NETWORK_STATE', `Protocol ${protocol.id} is registered twice`, {
        protocol: protocol.id,
      });
    }
    this.#protocols.set(protocol.id, protocol);
  }

  ids(): string[] {
    return [...this.#protocols.keys()];
  }

  has(protocolId: string): boolean {
    return this.#protocols.has(protocolId);
  }

  /** Never rejects: whatever goes wrong becomes an answer. */
  async answer(
    protocolId: string,
    kind: string,
    body: unknown,
    sender: Sender,
    signal: AbortSignal,
  ): Promise<Answer> {
    const requests = this.#protocols.get(protocolId)?.requests;
    const handler = requests !== undefined && Object.hasOwn(requests, kind) ? requests[kind] : undefined;
    if (handler === undefined) {
      return wireError('ERR_NETWORK_UNKNOWN_KIND', `${protocolId} has no request ${kind.slice(0, 64)}`);
    }
    const running = this.#run(handler, body, sender, signal).catch((error: unknown) => {
      if (isOwnFault(error)) {
        this.#logger?.error(
          { err: error, protocol: protocolId, kind, peerId: sender.peerId },
          'a request handler failed',
        );
      }
      return errorAnswer(error);
    });
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Resolves when no request is being handled. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  async #run(
    handler: RequestHandler<never>,
    body: unknown,
    sender: Sender,
    signal: AbortSignal,
  ): Promise<Answer> {
    let request: never;
    try {
      request = handler.check(body);
    } catch (error) {
      // The check comes before all else: whatever it throws, the body was at fault.
      const message = error instanceof Error ? error.message : 'The body does not fit';
      return wireError('ERR_NETWORK_INVALID', message, isErgonError(error) ? error.detail : {});
    }
    return { ok: await handler.handle(request, sender, signal) };
  }
}
