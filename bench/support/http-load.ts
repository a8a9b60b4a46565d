import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const END_OF_HEAD = '\r\n\r\n';

/** An open connection that sends the same request again and again, one at a time: as little client as there can be. */
class Connection {
  readonly #socket: Socket;
  readonly #request: string;
  #received = '';
  #answered: PromiseWithResolvers<string> = Promise.withResolvers();

  constructor(socket: Socket, request: string) {
    this.#socket = socket;
    this.#request = request;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#answered.reject(error));
    socket.on('close', () => this.#answered.reject(new Error('the server closed the connection')));
    this.#answered.promise.catch(() => undefined);
  }

  /** The answer's body. */
  async get(): Promise<string> {
    this.#answered = Promise.withResolvers();
    this.#answered.promise.catch(() => undefined);
    this.#socket.write(this.#request);
    return this.#answered.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const head = this.#received.indexOf(END_OF_HEAD);
    if (head < 0) return;
    const length = /content-length: (\d+)/i.exec(this.#received)?.[1];
    const body = this.#received.slice(head + END_OF_HEAD.length);
    if (length === undefined || body.length < Number(length)) return;
    if (!this.#received.startsWith('HTTP/1.1 200')) this.#answered.reject(new Error(this.#received));
    else this.#answered.resolve(body);
    this.#received = '';
  }
}

export interface HttpLoad {
  /** One request; the body of its answer. */
  get(): Promise<string>;
  /** So many requests, shared by all connections. */
  run(requests: number): Promise<void>;
  close(): Promise<void>;
}

/** Keep-alive connections to one URL. */
export async function httpLoad(
  url: URL,
  headers: Readonly<Record<string, string>>,
  count: number,
): Promise<HttpLoad> {
  const fields = Object.entries({ host: url.host, accept: 'application/json', ...headers });
  const request = `GET ${url.pathname} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const connections = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(url.port), url.hostname);
      await once(socket, 'connect');
      return new Connection(socket, request);
    }),
  );
  return {
    get: async () => (await connections[0]?.get()) ?? '',
    run: async (requests) => {
      let left = requests;
      const lane = async (connection: Connection): Promise<void> => {
        for (; left > 0;) {
          left -= 1;
          await connection.get();
        }
      };
      await Promise.all(connections.map(lane));
    },
    close: async () => connections.forEach((connection) => connection.close()),
  };
}
