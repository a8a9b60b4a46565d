import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { allows } from '../../../../identity/index.ts';
import { isOwnOrigin } from '../../../origins.ts';
import type { YagnaContext } from '../init.ts';
import type { GsbServices } from './services.ts';

const PATH = /^\/gsb-api\/v1\/services\/([A-Za-z0-9_-]{1,64})$/;
const PROTOCOL = 'gsb+flexbuffers';
/** A chunk and what is around it; clients answer with no more than they were asked for. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export interface UpgradeServer {
  on(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** Takes the websockets over which clients serve their files. */
export function serveWebsockets(
  server: UpgradeServer,
  context: Pick<YagnaContext, 'appKeys' | 'logger' | 'origins'>,
  services: GsbServices,
): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    admit(request, context).then(
      ({ status, servicesId, appKeyId }) => {
        if (servicesId === undefined || appKeyId === undefined) {
          refuse(socket, status);
          return;
        }
        sockets.handleUpgrade(request, socket, head, (webSocket) =>
          attach(webSocket, servicesId, appKeyId, services),
        );
      },
      (err: unknown) => {
        context.logger.warn({ err }, 'a websocket could not be opened');
        refuse(socket, 500);
      },
    );
  });
}

async function admit(
  request: IncomingMessage,
  { appKeys, origins }: Pick<YagnaContext, 'appKeys' | 'origins'>,
): Promise<{ status: number; servicesId?: string; appKeyId?: string }> {
  const url = URL.parse(request.url ?? '', 'http://localhost');
  const servicesId = PATH.exec(url?.pathname ?? '')?.[1];
  if (url === null || servicesId === undefined) return { status: 404 };
  const [, bearer] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '') ?? [];
  const caller = await appKeys.authenticate(url.searchParams.get('authToken') ?? bearer ?? '');
  if (caller === undefined) return { status: 401 };
  // Browsers let any page open a websocket: whose page it is, is for the server to look at.
  const { origin, host } = request.headers;
  const isHere = origin === undefined || isOwnOrigin(origin, host) || (await origins.allows(origin, caller));
  if (!isHere) return { status: 403 };
  return allows(caller.scopes, 'requestor')
    ? { status: 101, servicesId, appKeyId: caller.appKeyId }
    : { status: 403 };
}

function attach(webSocket: WebSocket, servicesId: string, appKeyId: string, services: GsbServices): void {
  try {
    const line = services.connect(servicesId, appKeyId, {
      send: (data) => webSocket.send(data),
      close: () => webSocket.close(),
    });
    webSocket.on('message', (data) => {
      if (data instanceof Buffer) line.message(data);
    });
    webSocket.on('close', () => line.closed());
    webSocket.on('error', () => webSocket.terminate());
  } catch {
    // There is no such service of this key.
    webSocket.close(4404, 'no such service');
  }
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
