import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { PeerStream } from '../interface/index.ts';

/** Joins the two: bytes go both ways, an end of one side becomes one of the other, and a break of either breaks both. */
export async function join(
  stream: PeerStream,
  body: AsyncIterable<Uint8Array>,
  socket: Duplex,
): Promise<void> {
  const gone = new AbortController();
  void stream.closed.then(() => gone.abort());
  socket.once('close', () => gone.abort());
  const out = async (): Promise<void> => {
    for await (const chunk of body) {
      if (!socket.write(chunk)) await once(socket, 'drain', { signal: gone.signal });
    }
    socket.end();
  };
  const back = async (): Promise<void> => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      if (Buffer.isBuffer(chunk)) await stream.write(chunk);
    }
    await stream.end();
  };
  try {
    await Promise.all([out(), back()]);
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error('the connection broke'));
    socket.destroy();
  }
}
