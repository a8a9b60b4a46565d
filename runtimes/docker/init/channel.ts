import type net from 'node:net';
import type { Clock } from '../../../src/interface/clock.ts';
import { RuntimeError } from '../../errors.ts';
import { CONTROL, EVENTS, openBoth, openControl, openReader, readableOf, writableOf } from './pipes.ts';
import {
  encodeKill,
  encodePing,
  encodeRun,
  EventDecoder,
  waitStatus,
  type InitEvent,
  type RunRequest,
  type WaitStatus,
} from './protocol.ts';

/** `errno` of a program that init could not start. */
export class StartRefusal extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`the program could not be started: errno ${errno}`);
    this.name = 'StartRefusal';
    this.errno = errno;
  }
}

interface PendingRun {
  readonly started: PromiseWithResolvers<undefined>;
  readonly ended: PromiseWithResolvers<WaitStatus | undefined>;
}

const HELLO_MS = 30_000;
const MAX_ID = 2 ** 31;

/** The supervisor's side of one container's init. */
export class InitChannel {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #control: net.Socket;
  readonly #decoder = new EventDecoder();
  readonly #gone = Promise.withResolvers<undefined>();
  readonly #hello = Promise.withResolvers<undefined>();
  readonly #runs = new Map<number, PendingRun>();
  #events: net.Socket;
  #isGone = false;
  // A number that no earlier supervisor's events can have by chance.
  #nextId = Math.floor(Math.random() * MAX_ID);

  private constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
    this.#hello.promise.catch(() => undefined);
    this.#control = quiet(writableOf(openBoth(directory, CONTROL)));
    // Both ends, so that there is no end of file before init has opened it.
    this.#events = this.#listen(openBoth(directory, EVENTS));
  }

  /** Opens the pipes, before the container's start or for one that runs. */
  static async open(directory: string, clock: Clock): Promise<InitChannel> {
    await openControl(directory, true);
    return new InitChannel(directory, clock);
  }

  /** Resolves once init and everything in its container has ended, or `close` was called. */
  get gone(): Promise<undefined> {
    return this.#gone.promise;
  }

  /** Waits until init answers. @throws RuntimeError ERR_RUNTIME_FAILED */
  async greet(): Promise<void> {
    const cancel = this.#clock.setTimer(
      () =>
        this.#hello.reject(new RuntimeError('ERR_RUNTIME_FAILED', "The container's init does not answer")),
      HELLO_MS,
    );
    try {
      this.#control.write(encodePing(this.#newId()));
      await this.#hello.promise;
    } finally {
      cancel();
    }
    const own = openReader(this.#directory, EVENTS);
    this.#events.destroy();
    this.#events = this.#listen(own);
    this.#events.once('close', () => this.#end());
    await openControl(this.#directory, false);
  }

  /**
   * Starts a command; resolves once it runs. Its end is undefined when init ended with it.
   * @throws StartRefusal; RuntimeError ERR_RUNTIME_PROGRAM for arguments that no program can have
   */
  async run(request: Omit<RunRequest, 'id'>): Promise<{ readonly ended: Promise<WaitStatus | undefined> }> {
    const id = this.#newId();
    const message = encodeRun({ ...request, id });
    if (message === undefined) {
      throw new RuntimeError(
        'ERR_RUNTIME_PROGRAM',
        'The arguments and variables are too long, or have a zero byte in them',
      );
    }
    const run = {
      started: Promise.withResolvers<undefined>(),
      ended: Promise.withResolvers<WaitStatus | undefined>(),
    };
    run.started.promise.catch(() => undefined);
    this.#runs.set(id, run);
    if (this.#isGone) this.#end();
    else this.#control.write(message);
    await run.started.promise;
    return { ended: run.ended.promise };
  }

  /** Sends the signal to every process of the container but init. */
  kill(signal: number): void {
    if (!this.#isGone) this.#control.write(encodeKill(signal));
  }

  close(): void {
    this.#end();
    this.#control.destroy();
    this.#events.destroy();
  }

  #newId(): number {
    this.#nextId = (this.#nextId + 1) % MAX_ID;
    return this.#nextId;
  }

  #listen(fd: number): net.Socket {
    const socket = quiet(readableOf(fd));
    socket.on('data', (bytes: Buffer) => {
      for (const event of this.#decoder.take(bytes)) this.#take(event);
    });
    return socket;
  }

  #take({ type, id, value }: InitEvent): void {
    if (type === 'H' && id === this.#nextId) this.#hello.resolve(undefined);
    const run = this.#runs.get(id);
    if (run === undefined) return;
    if (type === 'S') run.started.resolve(undefined);
    if (type === 'E') run.started.reject(new StartRefusal(value));
    if (type === 'X') run.ended.resolve(waitStatus(value));
    if (type === 'E' || type === 'X') this.#runs.delete(id);
  }

  #end(): void {
    this.#isGone = true;
    for (const run of this.#runs.values()) {
      run.started.reject(new RuntimeError('ERR_RUNTIME_FAILED', 'The container has ended'));
      run.ended.resolve(undefined);
    }
    this.#runs.clear();
    this.#gone.resolve(undefined);
  }
}

/** An end that breaks is noticed by its closing. */
function quiet(socket: net.Socket): net.Socket {
  socket.on('error', () => undefined);
  return socket;
}
