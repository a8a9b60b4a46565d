import type { Stream } from '@libp2p/interface';
import type { PeerStream } from '../../interface/network.ts';
import { FrameReader, write } from './frame-reader.ts';

/** Nothing is read in frames here: whoever uses the stream frames its bytes. */
const NO_FRAMES = 0;

/** A libp2p stream as features see it. */
export function peerStream(stream: Stream): PeerStream {
  const reader = new FrameReader(stream, NO_FRAMES);
  const closed = new Promise<void>((resolve) => {
    if (stream.status === 'open') stream.addEventListener('close', () => resolve(), { once: true });
    else resolve();
  });
  return {
    closed,
    bytes: chunks(reader),
    write: (bytes) => write(stream, bytes),
    end: () => stream.close(),
    abort: (error) => stream.abort(error),
  };
}

/** An inbound one, until whoever takes it is done. Never rejects. */
export async function servePeerStream(
  stream: Stream,
  accept: (stream: PeerStream) => Promise<void>,
): Promise<void> {
  try {
    await accept(peerStream(stream));
    await stream.close();
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error('stream given up'));
  }
}

async function* chunks(reader: FrameReader): AsyncGenerator<Uint8Array> {
  for (let chunk = await reader.chunk(); chunk !== undefined; chunk = await reader.chunk()) yield chunk;
}
