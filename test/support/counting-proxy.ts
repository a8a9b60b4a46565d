import { once } from 'node:events';
import { Agent, createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  /** Without its query, and with `*` for each id. */
  readonly route: string;
  readonly status: number;
  /** Seconds that the request asks to wait at the most; 0 when it asks for none. */
  readonly asked: number;
  readonly heldMs: number;
  /** The body is an empty list: there was nothing to tell. */
  readonly isEmpty: boolean;
}

/** Stands between a client and a daemon, passes everything on, and keeps account of it. */
export class CountingProxy {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  /** A connection for each request: one that rested may be closed by the daemon in the moment in which it is used again. */
  readonly #agent = new Agent({ keepAlive: false });
  readonly #target: string;
  #heard: () => void = () => undefined;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => {
      const startedAt = performance.now();
      const { method = 'GET', url = '/', headers } = incoming;
      const onward = forward(this.#target + url, { method, headers, agent: this.#agent }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        void bodyOf(answer).then((body) => this.#note(method, url, answer.statusCode ?? 0, body, startedAt));
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
  }

  static async start(target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    // Longer than a client lets a connection rest: else one would be closed just as it is used again.
    proxy.#server.keepAliveTimeout = 60_000;
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves once what was seen is enough. */
  async until(isEnough: (seen: readonly Seen[]) => boolean): Promise<void> {
    while (!isEnough(this.seen)) await new Promise<void>((resolve) => (this.#heard = resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
    await once(this.#server, 'close');
  }

  #note(method: string, url: string, status: number, body: string, startedAt: number): void {
    const { pathname, searchParams } = new URL(url, this.#target);
    this.seen.push({
      method,
      route: pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*'),
      status,
      asked: Number(searchParams.get('timeout') ?? 0),
      heldMs: performance.now() - startedAt,
      isEmpty: body === '[]',
    });
    this.#heard();
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  answer.setEncoding('utf8');
  try {
    for await (const piece of answer) if (text.length < 3) text += String(piece);
  } catch {
    // The client went away.
  }
  return text;
}
