import { createReadStream } from 'node:fs';
import type net from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../src/interface/clock.ts';
import type { RunOutput } from '../../src/interface/exe-unit-runtime.ts';
import { delay } from '../../src/util/delay.ts';
import {
  closeQuietly,
  openBoth,
  openReader,
  openWriter,
  readableOf,
  STREAMS,
  writableOf,
} from './init/pipes.ts';

/** What a pipe and the buffers behind it can hold at a command's end; more is somebody still writing. */
const REMAINDER_BYTES = 512 << 10;
/** Nothing has come for so long, and the pipe is still open: somebody holds it. */
const IDLE_MS = 250;

/** Our ends of one command's pipes, opened before it starts. */
export class Streams {
  readonly #directory: string;
  readonly #fds: { readonly stdout: number; readonly stderr: number; readonly stdin: number | undefined };

  constructor(directory: string, hasStdin: boolean) {
    this.#directory = directory;
    this.#fds = {
      stdout: openReader(directory, STREAMS.stdout),
      stderr: openReader(directory, STREAMS.stderr),
      // Both ends, so that the command finds a writer there.
      stdin: hasStdin ? openBoth(directory, STREAMS.stdin) : undefined,
    };
  }

  /** The command did not start. */
  close(): void {
    for (const fd of Object.values(this.#fds)) if (fd !== undefined) closeQuietly(fd);
  }

  /** Once the command runs: feeds it, without waiting for it to read. */
  feed(stdinPath: string | undefined): void {
    if (stdinPath === undefined || this.#fds.stdin === undefined) return;
    try {
      // Fails when the command has ended already: it needs no stdin then.
      const writer = writableOf(openWriter(this.#directory, STREAMS.stdin));
      void pipeline(createReadStream(stdinPath), writer).catch(() => undefined);
    } catch {
      // Nobody reads.
    } finally {
      closeQuietly(this.#fds.stdin);
    }
  }

  /** Reads both to their ends, each as fast as its reader takes it. */
  drain(output: RunOutput): Drain {
    return new Drain(readableOf(this.#fds.stdout), readableOf(this.#fds.stderr), output);
  }
}

/** The reading of both outputs of one command. */
export class Drain {
  /** Rejects when a reader fails. */
  readonly done: Promise<void>;
  readonly #sockets: readonly net.Socket[];
  #bytes = 0;
  /** Chunks that a reader has not taken yet. */
  #held = 0;
  #isDone = false;

  constructor(stdout: net.Socket, stderr: net.Socket, output: RunOutput) {
    this.#sockets = [stdout, stderr];
    const pumps = [
      this.#pump(stdout, (chunk) => output.stdout(chunk)),
      this.#pump(stderr, (chunk) => output.stderr(chunk)),
    ];
    this.done = Promise.all(pumps).then(() => undefined);
    this.done.then(
      () => (this.#isDone = true),
      () => (this.#isDone = true),
    );
  }

  /**
   * After the command's end, resolves when both are at their ends. What the command has left behind may live on when
   * it holds neither of them; when it does, `evict` is called until it is gone.
   */
  async finish(clock: Clock, evict: () => void): Promise<void> {
    const bytesAtEnd = this.#bytes;
    for (;;) {
      const before = this.#bytes;
      const timer = new AbortController();
      await Promise.race([this.done, delay(clock, IDLE_MS, timer.signal).catch(() => undefined)]);
      timer.abort();
      if (this.#isDone) return this.done;
      const isIdle = this.#bytes === before && this.#held === 0;
      if (isIdle || this.#bytes - bytesAtEnd > REMAINDER_BYTES) evict();
    }
  }

  /** Stops reading: what is still to come is lost. */
  abandon(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #pump(socket: net.Socket, take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
    for await (const chunk of socket) {
      if (!(chunk instanceof Uint8Array)) continue;
      this.#bytes += chunk.length;
      this.#held += 1;
      await take(chunk);
      this.#held -= 1;
    }
  }
}
