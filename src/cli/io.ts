import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientEnvironment, type ClientEnvironment } from '../config/env.ts';

/** Where people or programs read: `columns` and `isTTY` only on a terminal. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** What a command touches outside itself. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: ClientEnvironment;
  /** Aborts on Ctrl-C, for commands that have something to say then. */
  onInterrupt(listener: () => void): () => void;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: clientEnvironment(),
    onInterrupt: (listener) => {
      process.once('SIGINT', listener);
      return () => process.removeListener('SIGINT', listener);
    },
    sleep: async (delayMs, signal) => {
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
    },
  };
}

/** Writes no faster than the reader takes it. */
export async function write(output: Output, chunk: string | Uint8Array): Promise<void> {
  if (output.write(chunk)) return;
  await new Promise<void>((resolve) => output.once('drain', resolve));
}
