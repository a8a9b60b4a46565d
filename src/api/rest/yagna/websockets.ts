import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { allows } from '../../../identity/index.ts';
import { foreignOrigin } from '../../origins.ts';
import type { YagnaContext } from './init.ts';

export interface UpgradeServer {
  on(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** Websockets of one kind. */
export interface WebsocketEndpoint {
  /** The one that clients of this kind ask for, if they do. */
  readonly protocol?: string;
  readonly maxMessageBytes: number;
  /** What to do with a websocket of this path, or the status that refuses it; undefined when it is none of these. */
  open(path: string): Promise<Attach | number> | undefined;
}

export type Attach = (webSocket: WebSocket, appKeyId: string) => void;

interface Listener {
  readonly endpoint: WebsocketEndpoint;
  readonly sockets: WebSocketServer;
}

/** Takes the websockets of clients that may act as requestors. */
export function serveWebsockets(
  server: UpgradeServer,
  context: Pick<YagnaContext, 'appKeys' | 'logger' | 'origins'>,
  endpoints: readonly WebsocketEndpoint[],
): void {
  const listeners = endpoints.map((endpoint): Listener => ({ endpoint, sockets: socketsOf(endpoint) }));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    admit(request, context, listeners).then(
      (admitted) => {
        if (typeof admitted === 'number') {
          refuse(socket, admitted);
          return;
        }
        admitted.sockets.handleUpgrade(request, socket, head, (webSocket) =>
          admitted.attach(webSocket, admitted.appKeyId),
        );
      },
      (err: unknown) => {
        context.logger.warn({ err }, 'a websocket could not be opened');
        refuse(socket, 500);
      },
    );
  });
}

function socketsOf({ protocol, maxMessageBytes }: WebsocketEndpoint): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => (protocol !== undefined && offered.has(protocol) ? protocol : false),
  });
}

async function admit(
  request: IncomingMessage,
  { appKeys, origins }: Pick<YagnaContext, 'appKeys' | 'origins'>,
  listeners: readonly Listener[],
): Promise<{ sockets: WebSocketServer; attach: Attach; appKeyId: string } | number> {
  const url = URL.parse(request.url ?? '', 'http://localhost');
  if (url === null) return 404;
  const [, bearer] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '') ?? [];
  const caller = await appKeys.authenticate(url.searchParams.get('authToken') ?? bearer ?? '');
  if (caller === undefined) return 401;
  // Browsers let any page open a websocket: whose page it is, is for the server to look at.
  const origin = foreignOrigin(request.headers);
  const isHere = origin === undefined || (await origins.allows(origin, caller));
  if (!isHere || !allows(caller.scopes, 'requestor')) return 403;
  for (const { endpoint, sockets } of listeners) {
    const attach = await endpoint.open(url.pathname);
    if (typeof attach === 'number') return attach;
    if (attach !== undefined) return { sockets, attach, appKeyId: caller.appKeyId };
  }
  return 404;
}

const WORDS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
};

function refuse(socket: Duplex, status: number): void {
  const body = JSON.stringify({ message: WORDS[status] ?? 'Refused' });
  socket.end(
    `HTTP/1.1 ${status} ${WORDS[status] ?? 'Refused'}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
