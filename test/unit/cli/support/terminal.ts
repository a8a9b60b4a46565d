import { PassThrough, Readable, Writable } from 'node:stream';
import { runCli } from '../../../../src/cli/run.ts';
import type { Io, Output } from '../../../../src/cli/io.ts';
import type { ClientEnvironment } from '../../../../src/config/env.ts';

class Screen extends Writable implements Output {
  readonly isTTY: boolean;
  readonly columns?: number;
  readonly chunks: Buffer[] = [];

  constructor(columns?: number) {
    super();
    this.isTTY = columns !== undefined;
    if (columns !== undefined) this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    this.emit('wrote');
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }
}

export interface TerminalOptions {
  readonly environment?: ClientEnvironment;
  readonly stdin?: string | Buffer;
  readonly columns?: number;
}

/** A terminal without a person: runs command lines in this process. */
export function terminal(options: TerminalOptions = {}) {
  const stdout = new Screen(options.columns);
  const stderr = new Screen();
  const interrupts = new Set<(signal: 'SIGINT') => void>();
  const listen = (listener: (signal: 'SIGINT') => void) => {
    interrupts.add(listener);
    return () => void interrupts.delete(listener);
  };
  const io: Io = {
    stdin: options.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(options.stdin)]),
    stdout,
    stderr,
    environment: options.environment ?? {},
    onInterrupt: listen,
    onEnd: listen,
    sleep: async (_delayMs, signal) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
  return {
    io,
    stdout,
    stderr,
    run: (...argv: string[]) => runCli(argv, io),
    /** Ctrl-C, once the command listens for it. */
    interrupt: async () => {
      while (interrupts.size === 0) await new Promise((resolve) => setImmediate(resolve));
      for (const listener of interrupts) listener('SIGINT');
    },
  };
}

/** Runs one command line against a daemon. */
export async function ergon(url: string, argv: readonly string[], options: TerminalOptions = {}) {
  const screen = terminal({ environment: { apiUrl: url, appKey: 'key-admin' }, ...options });
  const status = await screen.run(...argv);
  return { status, out: screen.stdout.text, err: screen.stderr.text, bytes: screen.stdout.bytes };
}
