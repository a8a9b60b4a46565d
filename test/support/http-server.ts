import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { afterEach } from 'vitest';

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  /** Headers of each request so far. */
  readonly requests: IncomingMessage[];
}

/** Starts servers on loopback and ends them after each test. */
export function localServers(): {
  http(listener: RequestListener): Promise<LocalServer>;
  /** Answers before it has asked for the body. */
  refusing(listener: RequestListener): Promise<LocalServer>;
  /** With a certificate that it has signed itself; tells of each connection. */
  untrusted(onConnection: () => void): Promise<LocalServer>;
  /** For answers that no HTTP server would give. */
  tcp(listener: (socket: Socket, head: string, connection: number) => void): Promise<LocalServer>;
} {
  const open: (Server | TcpServer)[] = [];
  const sockets = new Set<Socket>();
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });
  const listen = async (server: Server | TcpServer, requests: IncomingMessage[]): Promise<LocalServer> => {
    open.push(server);
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      sockets.add(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port, requests };
  };
  return {
    http(listener) {
      const { server, requests } = recording(listener);
      return listen(server, requests);
    },
    refusing(listener) {
      const { server, requests, take } = recording(listener);
      server.on('checkContinue', take);
      return listen(server, requests);
    },
    async untrusted(onConnection) {
      const server = createHttpsServer({ key: tlsFile('key'), cert: tlsFile('certificate') });
      server.on('connection', onConnection);
      const local = await listen(server, []);
      return { ...local, url: local.url.replace('http:', 'https:') };
    },
    tcp(listener) {
      let connections = 0;
      const server = createTcpServer((socket) => {
        connections += 1;
        const connection = connections;
        socket.once('data', (head) => listener(socket, head.toString('latin1'), connection));
      });
      return listen(server, []);
    },
  };
}

/** Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost`. */
const tlsFile = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));

function recording(listener: RequestListener) {
  const requests: IncomingMessage[] = [];
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(request);
    listener(request, response);
  };
  return { server: createServer(take), requests, take };
}

/** Serves bytes with ranges and a validator, as a static file server does. */
export function serveBytes(bytes: Buffer, etag: string): RequestListener {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? NaN);
    const isCurrent = [undefined, etag].includes(request.headers['if-range']?.toString());
    if (Number.isNaN(start) || !isCurrent) {
      response.writeHead(200, { etag, 'content-length': bytes.length });
      response.end(bytes);
      return;
    }
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(206, { etag, 'content-range': range, 'content-length': bytes.length - start });
    response.end(bytes.subarray(start));
  };
}
