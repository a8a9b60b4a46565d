import type { RawData, WebSocket } from 'ws';
import { isErgonError, type Logger, type Networks, type PeerStream } from '../../../../interface/index.ts';
import type { WebsocketEndpoint } from '../websockets.ts';

const PATH = /^\/net-api\/(?:v1|v2\/vpn)\/net\/([A-Za-z0-9_-]{1,64})\/tcp\/([0-9.]{7,15})\/([0-9]{1,5})$/;
const MAX_PORT = 65_535;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Room for the reason of a close: RFC 6455 allows 123 bytes. */
const REASON_CHARS = 120;

const NORMAL = 1000;
const BROKE = 1011;
/** Close codes for applications (4000 to 4999); the last digits are the HTTP status that fits. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  ERR_VPN_NO_ROUTE: 4404,
  ERR_VPN_NOT_FOUND: 4404,
  ERR_VPN_LIMIT: 4409,
  ERR_VPN_CONNECT_FAILED: 4502,
};

interface Components {
  readonly networks: Networks;
  readonly logger: Logger;
}

/** The websockets that are TCP connections into a network: each message is bytes, as they come. */
export function networkEndpoint(components: Components): WebsocketEndpoint {
  return {
    maxMessageBytes: MAX_MESSAGE_BYTES,
    open(path) {
      const [, networkId, ip, digits] = PATH.exec(path) ?? [];
      if (networkId === undefined || ip === undefined) return undefined;
      const port = Number(digits);
      if (port < 1 || port > MAX_PORT) return Promise.resolve(404);
      return components.networks.get(networkId).then(
        () => (webSocket) => void serve(webSocket, { networkId, ip, port }, components),
        () => 404,
      );
    },
  };
}

async function serve(
  webSocket: WebSocket,
  { networkId, ip, port }: { networkId: string; ip: string; port: number },
  { networks, logger }: Components,
): Promise<void> {
  const gone = new AbortController();
  webSocket.on('error', () => webSocket.terminate());
  webSocket.once('close', () => gone.abort());
  // Nothing is read before there is somebody to read it.
  webSocket.pause();
  try {
    const stream = await networks.connect(networkId, ip, port, gone.signal);
    forward(webSocket, stream);
    await back(stream, webSocket);
    webSocket.close(NORMAL);
  } catch (error) {
    logger.debug({ networkId, ip, port, err: error }, 'a connection into a network has failed');
    // A socket that reads nothing would not notice that its client closes, too.
    webSocket.resume();
    webSocket.close(
      codeOf(error),
      (error instanceof Error ? error.message : 'failed').slice(0, REASON_CHARS),
    );
  }
}

/** What the client sends; while the network takes no more, the client is not read. */
function forward(webSocket: WebSocket, stream: PeerStream): void {
  const fail = (error: unknown): void =>
    stream.abort(error instanceof Error ? error : new Error('the connection broke'));
  webSocket.on('message', (data: RawData) => {
    webSocket.pause();
    stream.write(bytesOf(data)).then(() => webSocket.resume(), fail);
  });
  if (webSocket.readyState === webSocket.CLOSED) fail(new Error('the client is gone'));
  webSocket.once('close', () => void stream.end().catch(fail));
  webSocket.resume();
}

async function back(stream: PeerStream, webSocket: WebSocket): Promise<void> {
  for await (const chunk of stream.bytes) {
    // What comes for a client that is gone is nobody's.
    if (webSocket.readyState !== webSocket.OPEN) continue;
    await new Promise<void>((resolve) => webSocket.send(chunk, { binary: true }, () => resolve()));
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function codeOf(error: unknown): number {
  return (isErgonError(error) ? CLOSE_CODES[error.code] : undefined) ?? BROKE;
}
