import type { PeerStream } from '../interface/network.ts';

/** A sender waits while its peer has so much unread. */
const FULL_BYTES = 256 * 1024;

/** The two ends of a stream in memory; it breaks with the signal. */
export function streamPair(broken: AbortSignal): [PeerStream, PeerStream] {
  const there = new OneWay();
  const back = new OneWay();
  const abort = (error: Error): void => {
    there.break(error);
    back.break(error);
  };
  const onBroken = (): void => abort(broken.reason instanceof Error ? broken.reason : new Error('broken'));
  broken.addEventListener('abort', onBroken, { once: true });
  const closed = Promise.all([there.over, back.over]).then(() =>
    broken.removeEventListener('abort', onBroken),
  );
  const end = (out: OneWay, into: OneWay): PeerStream => ({
    closed,
    abort,
    bytes: into.read(),
    write: (bytes) => out.write(bytes),
    end: async () => out.end(),
  });
  return [end(there, back), end(back, there)];
}

/** One direction. */
class OneWay {
  readonly over: Promise<void>;
  readonly #over = Promise.withResolvers<undefined>();
  readonly #chunks: Uint8Array[] = [];
  #unread = 0;
  #ended = false;
  #error: Error | undefined;
  #changed = Promise.withResolvers<undefined>();

  constructor() {
    this.over = this.#over.promise;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#throwIfBroken();
    if (this.#ended) throw new Error('the stream was ended');
    this.#chunks.push(Uint8Array.from(bytes));
    this.#unread += bytes.byteLength;
    this.#notify();
    while (this.#unread >= FULL_BYTES) {
      await this.#changed.promise;
      this.#throwIfBroken();
    }
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.#throwIfBroken();
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#unread -= chunk.byteLength;
        this.#notify();
        yield chunk;
      } else if (this.#ended) return;
      else await this.#changed.promise;
    }
  }

  end(): void {
    this.#ended = true;
    this.#over.resolve(undefined);
    this.#notify();
  }

  break(error: Error): void {
    if (this.#ended && this.#unread === 0) return;
    this.#error ??= error;
    this.#over.resolve(undefined);
    this.#notify();
  }

  #throwIfBroken(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  #notify(): void {
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }
}
