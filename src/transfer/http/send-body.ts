import type { ClientRequest } from 'node:http';
import type { Clock } from '../../interface/clock.ts';
import type { IdleTimeout } from './idle-timeout.ts';

/** A server that does not know `Expect` says nothing and waits: then the body goes out after this long. */
const CONTINUE_AFTER_MS = 1000;

/**
 * Sends a body once the server asks for it (`Expect: 100-continue`). A server that refuses or redirects says so instead;
 * sent a body all the same, it would break the connection, and its own response would be lost.
 */
export async function sendBody(
  request: ClientRequest,
  body: () => AsyncIterable<Uint8Array>,
  idleTimeout: IdleTimeout,
  clock: Clock,
): Promise<void> {
  const go = Promise.withResolvers<boolean>();
  const cancel = clock.setTimer(() => go.resolve(true), CONTINUE_AFTER_MS);
  request.once('continue', () => go.resolve(true));
  request.once('response', () => go.resolve(false)).once('close', () => go.resolve(false));
  request.flushHeaders();
  const isWanted = await go.promise;
  cancel();
  if (!isWanted) return;
  try {
    for await (const chunk of body()) {
      // The server has answered before it has read it all, or is gone.
      if (request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
      idleTimeout.reset();
    }
    request.end();
  } catch (error) {
    request.destroy(error instanceof Error ? error : undefined);
  }
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolveDrained) => {
    const done = (): void => {
      request.off('drain', done).off('close', done);
      resolveDrained();
    };
    request.once('drain', done).once('close', done);
  });
}
