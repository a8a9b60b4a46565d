import type { WebSocket } from 'ws';
import { Type } from 'typebox';
import { checker } from '../../util/check.ts';
import { errorMessage } from '../../util/error-message.ts';
import { decodeFlexbuffer, encodeFlexbuffer } from '../../util/flexbuffers.ts';
import type { Gateway } from './gateway.ts';

/** What a daemon may ask for: its parts of GFTP, by name. */
export type Components = Readonly<Record<string, (payload: unknown) => Promise<unknown>>>;

const checkCall = checker(
  Type.Object({
    id: Type.String({ maxLength: 256 }),
    component: Type.String({ maxLength: 64 }),
    payload: Type.Optional(Type.Unknown()),
  }),
  'call of the daemon',
);

const RETRY_MS = [200, 500, 1000, 2000, 5000] as const;

/** What a service of files needs of the world. */
export interface ServiceTools {
  readonly gateway: Gateway;
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** For people who read stderr. */
  readonly warn: (text: string) => void;
}

/** One name that this process serves for as long as it is open, also to a daemon that was started anew. */
export class Service {
  readonly #id: string;
  #components: Components;
  readonly #tools: ServiceTools;
  readonly #closed = new AbortController();
  #socket: WebSocket | undefined;
  #servicesId: string | undefined;
  readonly #answering = new Set<Promise<void>>();

  constructor(id: string, components: Components, tools: ServiceTools) {
    this.#id = id;
    this.#components = components;
    this.#tools = tools;
  }

  /** Answers by these from now on; they have the same names. */
  serve(components: Components): void {
    this.#components = components;
  }

  /** Resolves once the daemon can ask. */
  async open(): Promise<void> {
    const { gateway } = this.#tools;
    const servicesId = await gateway.bind(this.#id, Object.keys(this.#components));
    const socket = gateway.connect(servicesId);
    this.#servicesId = servicesId;
    this.#socket = socket;
    // Heard from the start: the first question may come with the opening itself.
    socket.on('message', (data) => {
      if (!(data instanceof Buffer)) return;
      const answering = this.#answer(socket, data).finally(() => this.#answering.delete(answering));
      this.#answering.add(answering);
    });
    const { promise: opened, resolve, reject } = Promise.withResolvers();
    socket.on('open', () => resolve(undefined));
    socket.on('error', reject);
    await opened;
    socket.on('close', () => void this.#reopen());
    if (this.#closed.signal.aborted) await this.close();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#answering);
    await hangUp(this.#socket);
    const servicesId = this.#servicesId;
    this.#servicesId = undefined;
    // A daemon that is away has forgotten it anyhow.
    if (servicesId !== undefined) await this.#tools.gateway.unbind(servicesId).catch(() => undefined);
  }

  async #answer(socket: WebSocket, data: Buffer): Promise<void> {
    let id: string | undefined;
    try {
      const call = checkCall(decodeFlexbuffer(data));
      id = call.id;
      const { component } = call;
      const asked = Object.hasOwn(this.#components, component) ? this.#components[component] : undefined;
      if (asked === undefined) throw new Error(`${component} is not part of this file`);
      socket.send(encodeFlexbuffer({ id, payload: (await asked(call.payload)) ?? null }));
    } catch (error) {
      const why = errorMessage(error);
      this.#tools.warn(`${this.#id}: ${why}`);
      if (id !== undefined) socket.send(encodeFlexbuffer({ id, error: why }));
    }
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#closed;
    const { sleep, warn } = this.#tools;
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        await sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 0, signal);
        await this.open();
        return;
      } catch (error) {
        if (tries === 0 && error !== signal.reason)
          warn(`${this.#id} waits for the daemon to come back: ${String(error)}`);
      }
    }
  }
}

/** Once both sides have closed it, the daemon has read the last answer. */
async function hangUp(socket: WebSocket | undefined): Promise<void> {
  if (socket === undefined || socket.readyState === socket.CLOSED) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.close();
  });
}
