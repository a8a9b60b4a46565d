import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { raceAbort } from '../deadline.ts';
import { NetworkError } from '../errors.ts';

const LENGTH_BYTES = 4;
/** Read ahead of the consumer by no more than this, or by the frame it waits for. */
const READ_AHEAD_BYTES = 64 * 1024;

/**
 * Pulls bytes out of a libp2p stream: frames with a 32-bit big-endian length, or chunks as they come. The stream is
 * paused while nobody pulls, so a fast sender is held back by its own window and costs no memory here.
 */
export class FrameReader {
  readonly #stream: Stream;
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #wanted = 1;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #resuming = false;

  constructor(stream: Stream, maxFrameBytes: number) {
    this.#stream = stream;
    this.#maxFrameBytes = maxFrameBytes;
    stream.addEventListener('message', this.#onMessage);
    stream.addEventListener('end', this.#onEnd);
    stream.addEventListener('close', this.#onClose);
    // The peer may have been faster than whoever made this reader.
    const gone = stream.status === 'aborted' || stream.status === 'reset';
    this.#ended = stream.readableEnded || (gone && stream.readBufferLength === 0);
  }

  /**
   * The next frame; undefined when the peer closed the stream between two frames.
   * Throws ERR_NETWORK_PROTOCOL for a frame that is empty, too long or cut off, and the stream's error when it broke.
   */
  async frame(): Promise<Uint8Array | undefined> {
    const header = await this.#take(LENGTH_BYTES);
    if (header === undefined) return undefined;
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
    if (length === 0 || length > this.#maxFrameBytes) {
      throw new NetworkError(
        'ERR_NETWORK_PROTOCOL',
        `A message of ${length} bytes was announced; 1 to ${this.#maxFrameBytes} are allowed`,
        { bytes: length, maxBytes: this.#maxFrameBytes },
      );
    }
    const frame = await this.#take(length);
    if (frame === undefined) throw cutOff();
    return frame;
  }

  /** Whatever bytes are there next; undefined at the end of the stream. */
  async chunk(): Promise<Uint8Array | undefined> {
    await this.#until(1);
    const chunk = this.#chunks.shift();
    this.#buffered -= chunk?.byteLength ?? 0;
    return chunk;
  }

  async #take(bytes: number): Promise<Uint8Array | undefined> {
    await this.#until(bytes);
    if (this.#buffered === 0) return undefined;
    if (this.#buffered < bytes) throw cutOff();
    const all =
      this.#chunks.length === 1 && this.#chunks[0] !== undefined
        ? this.#chunks[0]
        : Buffer.concat(this.#chunks);
    this.#chunks = all.byteLength > bytes ? [all.subarray(bytes)] : [];
    this.#buffered -= bytes;
    return all.subarray(0, bytes);
  }

  /** Resolves when so many bytes are buffered, or none will follow. */
  async #until(bytes: number): Promise<void> {
    this.#wanted = bytes;
    while (this.#buffered < bytes && !this.#finished()) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      this.#flow(true);
      await promise;
    }
    this.#wanted = 1;
    if (this.#buffered < bytes && this.#error !== undefined) throw this.#error;
  }

  #finished(): boolean {
    return this.#ended || this.#error !== undefined;
  }

  #flow(on: boolean): void {
    // A stream that is closing takes neither call, and needs neither.
    if (this.#stream.readStatus !== 'readable' && this.#stream.readStatus !== 'paused') return;
    if (on) this.#resume();
    else this.#stream.pause();
  }

  /**
   * Hands out at once what has come during the pause, and only then opens the peer's window again: a pause in between
   * would be undone by that, and from there on the peer would send without end to a reader that does not read.
   */
  #resume(): void {
    this.#resuming = true;
    this.#stream.resume();
    this.#resuming = false;
    if (this.#isFull()) this.#flow(false);
  }

  #isFull(): boolean {
    return this.#buffered >= Math.max(this.#wanted, READ_AHEAD_BYTES);
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#chunks.push(event.data.subarray());
    this.#buffered += event.data.byteLength;
    if (!this.#resuming && this.#isFull()) this.#flow(false);
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#error = event.error;
    // Closed while paused: what is unread still comes, and `end` after it.
    else if (this.#stream.readBufferLength === 0) this.#ended = true;
    this.#wake?.();
  };
}

/** Sends one frame, and waits while the peer does not take more. The stream's own errors are thrown as they are. */
export async function writeFrame(stream: Stream, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  await write(stream, frameOf(bytes), signal);
}

/** A frame as it goes over the wire: its length, then its bytes. */
export function frameOf(bytes: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.byteLength);
  frame.writeUInt32BE(bytes.byteLength);
  frame.set(bytes, LENGTH_BYTES);
  return frame;
}

/**
 * Sends bytes as they are, and waits while the peer does not take more. Not by `stream.onDrain`: in libp2p 3.3 its
 * promise stays resolved after the first drain, so that a slow peer would fill the write buffer until it is reset.
 */
export async function write(stream: Stream, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  stream.send(bytes);
  while (stream.writableNeedsDrain && stream.status === 'open') await drained(stream, signal);
}

async function drained(stream: Stream, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const onDrain = (): void => resolve(undefined);
  const onClose = (event: StreamCloseEvent): void =>
    reject(event.error ?? new Error('the stream was closed'));
  stream.addEventListener('drain', onDrain);
  stream.addEventListener('close', onClose);
  try {
    await (signal === undefined ? promise : raceAbort(promise, signal));
  } finally {
    stream.removeEventListener('drain', onDrain);
    stream.removeEventListener('close', onClose);
  }
}

function cutOff(): NetworkError {
  return new NetworkError('ERR_NETWORK_PROTOCOL', 'The stream ended in the middle of a message');
}
