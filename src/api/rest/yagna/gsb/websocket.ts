import type { WebSocket } from 'ws';
import type { WebsocketEndpoint } from '../websockets.ts';
import type { GsbServices } from './services.ts';

const PATH = /^\/gsb-api\/v1\/services\/([A-Za-z0-9_-]{1,64})$/;

/** The websockets over which clients serve their files. */
export function gsbEndpoint(services: GsbServices): WebsocketEndpoint {
  return {
    protocol: 'gsb+flexbuffers',
    /** A chunk and what is around it; clients answer with no more than they were asked for. */
    maxMessageBytes: 1024 * 1024,
    open(path) {
      const servicesId = PATH.exec(path)?.[1];
      if (servicesId === undefined) return undefined;
      return Promise.resolve((webSocket, appKeyId) => attach(webSocket, servicesId, appKeyId, services));
    },
  };
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
