import { notFound, YagnaError } from '../errors.ts';
import { hold, Bell } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import { decodeReply, encodeRequest } from './flexbuffers.ts';

/** A script may name a file before its client's socket is there. */
const CONNECT_MS = 30_000;
const ANSWER_MS = 120_000;
const MAX_SERVICES = 10_000;

/** What a client's websocket is here. */
export interface GsbSocket {
  send(message: Uint8Array): void;
  close(): void;
}

interface Service {
  readonly servicesId: string;
  readonly on: string;
  readonly appKeyId: string;
  socket?: GsbSocket;
  readonly waiting: Map<string, (reply: { payload?: unknown; error?: unknown }) => void>;
  /** One call at a time, in order: clients append what comes. */
  last: Promise<unknown>;
}

type Context = Pick<YagnaContext, 'newId' | 'clock' | 'stopSignal' | 'logger'>;

/** Services that clients offer over websockets: files to fetch and places to bring files to. In memory, as their sockets. */
export class GsbServices {
  readonly #context: Context;
  readonly #byId = new Map<string, Service>();
  readonly #changed = new Bell();

  constructor(context: Context) {
    this.#context = context;
  }

  bind(on: string, appKeyId: string): string {
    if (this.#byId.size >= MAX_SERVICES)
      throw new YagnaError('ERR_YAGNA_INVALID', `${MAX_SERVICES} services are bound already`);
    const servicesId = this.#context.newId();
    this.#byId.set(servicesId, { servicesId, on, appKeyId, waiting: new Map(), last: Promise.resolve() });
    return servicesId;
  }

  unbind(servicesId: string, appKeyId: string): void {
    const service = this.#get(servicesId, appKeyId);
    this.#byId.delete(servicesId);
    service.socket?.close();
    this.#lose(service, 'the client has closed it');
    this.#changed.ring();
  }

  /** @throws YagnaError when there is no such service of this key */
  connect(
    servicesId: string,
    appKeyId: string,
    socket: GsbSocket,
  ): { message(data: Uint8Array): void; closed(): void } {
    const service = this.#get(servicesId, appKeyId);
    service.socket?.close();
    service.socket = socket;
    this.#changed.ring();
    return {
      message: (data) => this.#onReply(service, data),
      closed: () => {
        if (service.socket !== socket) return;
        delete service.socket;
        this.#lose(service, 'the client has gone');
      },
    };
  }

  /** Asks the client that serves `on`, after all calls before. @throws YagnaError ERR_YAGNA_TRANSFER */
  call(on: string, component: string, payload: object, signal: AbortSignal): Promise<unknown> {
    const service = [...this.#byId.values()].findLast((each) => each.on === on);
    if (service === undefined) throw failed(on, 'no client serves it');
    const calling = service.last.then(() => this.#call(service, component, payload, signal));
    service.last = calling.catch(() => undefined);
    return calling;
  }

  stop(): void {
    for (const service of this.#byId.values()) {
      service.socket?.close();
      this.#lose(service, 'this node stops');
    }
    this.#byId.clear();
  }

  async #call(service: Service, component: string, payload: object, signal: AbortSignal): Promise<unknown> {
    const { on } = service;
    const socket = await this.#socketOf(service, signal);
    const id = this.#context.newId();
    const { promise, resolve } = Promise.withResolvers<{ payload?: unknown; error?: unknown }>();
    const abort = (): void => resolve({ error: 'the transfer was ended' });
    const cancel = this.#context.clock.setTimer(
      () => resolve({ error: 'it did not answer in time' }),
      ANSWER_MS,
    );
    signal.addEventListener('abort', abort, { once: true });
    service.waiting.set(id, resolve);
    try {
      socket.send(encodeRequest({ id, component, payload }));
      const reply = await promise;
      if (reply.error !== undefined) throw failed(on, textOf(reply.error));
      return reply.payload;
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
      service.waiting.delete(id);
    }
  }

  async #socketOf(service: Service, signal: AbortSignal): Promise<GsbSocket> {
    const { clock, stopSignal } = this.#context;
    const wait = { timeoutMs: CONNECT_MS, wakes: [this.#changed.rings], signal };
    const socket = await hold({ clock, stopSignal }, wait, async () => {
      if (!this.#byId.has(service.servicesId)) throw failed(service.on, 'the client has closed it');
      return service.socket;
    });
    if (socket === undefined) throw failed(service.on, 'its client has not connected');
    return socket;
  }

  #onReply(service: Service, data: Uint8Array): void {
    try {
      const { id, ...reply } = decodeReply(data);
      service.waiting.get(id)?.(reply);
    } catch (err) {
      this.#context.logger.warn({ err, on: service.on }, 'a client sent what is no reply');
    }
  }

  #lose(service: Service, why: string): void {
    for (const settle of service.waiting.values()) settle({ error: why });
  }

  #get(servicesId: string, appKeyId: string): Service {
    const service = this.#byId.get(servicesId);
    if (service?.appKeyId !== appKeyId) throw notFound('service', servicesId);
    return service;
  }
}

function failed(on: string, why: string): YagnaError {
  return new YagnaError('ERR_YAGNA_TRANSFER', `The client's file ${on.slice(0, 200)} cannot be used: ${why}`);
}

function textOf(error: unknown): string {
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 500);
}
