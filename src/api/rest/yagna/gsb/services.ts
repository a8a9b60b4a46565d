import { Type } from 'typebox';
import { checker } from '../../../../util/check.ts';
import { decodeFlexbuffer, encodeFlexbuffer } from '../../../../util/flexbuffers.ts';
import { notFound, YagnaError } from '../errors.ts';
import { hold, Notifier } from '../hold.ts';
import type { YagnaContext } from '../init.ts';

/** A script may name a file before its client's socket is there. */
const CONNECT_MS = 30_000;
const ANSWER_MS = 120_000;
/** A service without a socket is forgotten then: its client has died, or never connected. */
const UNUSED_MS = 5 * 60_000;
const MAX_SERVICES = 10_000;

const checkReply = checker(
  Type.Object({
    id: Type.String({ maxLength: 256 }),
    payload: Type.Optional(Type.Unknown()),
    error: Type.Optional(Type.Unknown()),
  }),
  'reply of a service',
);
interface Reply {
  readonly payload?: unknown;
  readonly error?: unknown;
}

/** A client's websocket, as far as a service needs it. */
export interface GsbSocket {
  send(message: Uint8Array): void;
  close(): void;
}

/** A client's socket, and who waits for what it is asked. */
interface Connection {
  readonly socket: GsbSocket;
  readonly waiting: Map<string, (reply: Reply) => void>;
  isGone: boolean;
}

interface Service {
  readonly servicesId: string;
  readonly on: string;
  readonly appKeyId: string;
  connection?: Connection;
  cancelExpiry(): void;
}

/** A client that serves one name, for the length of one transfer: once its socket has gone, every call fails. */
export interface GsbLine {
  isGone(): boolean;
  /** @throws YagnaError ERR_YAGNA_TRANSFER */
  call(component: string, payload: object, signal: AbortSignal): Promise<unknown>;
}

type Context = Pick<YagnaContext, 'newId' | 'clock' | 'stopSignal' | 'logger'>;

/** Services that clients offer over websockets: files to fetch and places to bring files to. In memory, as their sockets. */
export class GsbServices {
  readonly #context: Context;
  readonly #byId = new Map<string, Service>();
  readonly #changed = new Notifier();

  constructor(context: Context) {
    this.#context = context;
  }

  bind(on: string, appKeyId: string): string {
    if (this.#byId.size >= MAX_SERVICES)
      throw new YagnaError('ERR_YAGNA_INVALID', `${MAX_SERVICES} services are bound already`);
    const servicesId = this.#context.newId();
    const service: Service = { servicesId, on, appKeyId, cancelExpiry: () => undefined };
    this.#byId.set(servicesId, service);
    this.#expire(service);
    return servicesId;
  }

  unbind(servicesId: string, appKeyId: string): void {
    this.#remove(this.#get(servicesId, appKeyId), 'the client has closed it');
  }

  /** @throws YagnaError when there is no such service of this key */
  connect(
    servicesId: string,
    appKeyId: string,
    socket: GsbSocket,
  ): { message(data: Uint8Array): void; closed(): void } {
    const service = this.#get(servicesId, appKeyId);
    const connection: Connection = { socket, waiting: new Map(), isGone: false };
    const before = service.connection;
    if (before !== undefined) drop(before, 'the client has connected anew');
    service.connection = connection;
    service.cancelExpiry();
    this.#changed.notify();
    return {
      message: (data) => this.#onReply(service, connection, data),
      closed: () => {
        settleAll(connection, 'the client has gone');
        if (service.connection !== connection) return;
        delete service.connection;
        this.#expire(service);
      },
    };
  }

  /** The client that serves `on`, waited for if it has yet to come. @throws YagnaError ERR_YAGNA_TRANSFER */
  async open(on: string, signal: AbortSignal): Promise<GsbLine> {
    const { clock, stopSignal } = this.#context;
    const wait = { timeoutMs: CONNECT_MS, wakes: [this.#changed.notifications], signal };
    const line = await hold({ clock, stopSignal }, wait, async () => this.now(on));
    if (line === undefined)
      throw failed(on, this.#named(on).length === 0 ? 'no client serves it' : 'its client is not connected');
    return line;
  }

  /** The client that serves `on` at this moment. */
  now(on: string): GsbLine | undefined {
    const connection = this.#named(on).findLast((service) => service.connection !== undefined)?.connection;
    if (connection === undefined) return undefined;
    return {
      isGone: () => connection.isGone,
      call: (component, payload, signal) => this.#call(on, connection, { component, payload }, signal),
    };
  }

  stop(): void {
    for (const service of this.#byId.values()) this.#remove(service, 'this node stops');
  }

  #named(on: string): Service[] {
    return [...this.#byId.values()].filter((service) => service.on === on);
  }

  async #call(
    on: string,
    { socket, waiting }: Connection,
    request: { component: string; payload: object },
    signal: AbortSignal,
  ): Promise<unknown> {
    const id = this.#context.newId();
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const abort = (): void => resolve({ error: 'the transfer was ended' });
    const cancel = this.#context.clock.setTimer(
      () => resolve({ error: 'it did not answer in time' }),
      ANSWER_MS,
    );
    signal.addEventListener('abort', abort, { once: true });
    waiting.set(id, resolve);
    try {
      socket.send(encodeFlexbuffer({ id, ...request }));
      const reply = await promise;
      if (reply.error !== undefined && reply.error !== null) throw failed(on, textOf(reply.error));
      return reply.payload;
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
      waiting.delete(id);
    }
  }

  #onReply(service: Service, connection: Connection, data: Uint8Array): void {
    try {
      const { id, ...reply } = checkReply(decodeFlexbuffer(data));
      connection.waiting.get(id)?.(reply);
    } catch (err) {
      this.#context.logger.warn({ err, on: service.on }, 'a client sent what is no reply');
    }
  }

  #expire(service: Service): void {
    service.cancelExpiry();
    service.cancelExpiry = this.#context.clock.setTimer(
      () => this.#remove(service, 'its client did not come back'),
      UNUSED_MS,
    );
  }

  #remove(service: Service, why: string): void {
    service.cancelExpiry();
    this.#byId.delete(service.servicesId);
    if (service.connection !== undefined) drop(service.connection, why);
    delete service.connection;
    this.#changed.notify();
  }

  #get(servicesId: string, appKeyId: string): Service {
    const service = this.#byId.get(servicesId);
    if (service?.appKeyId !== appKeyId) throw notFound('service', servicesId);
    return service;
  }
}

function drop(connection: Connection, why: string): void {
  settleAll(connection, why);
  connection.socket.close();
}

function settleAll(connection: Connection, why: string): void {
  connection.isGone = true;
  for (const settle of connection.waiting.values()) settle({ error: why });
}

function failed(on: string, why: string): YagnaError {
  return new YagnaError('ERR_YAGNA_TRANSFER', `The client's file ${on.slice(0, 200)} cannot be used: ${why}`);
}

function textOf(error: unknown): string {
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 500);
}
