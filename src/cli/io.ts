import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndSignal, OnEnd } from '../interface/index.ts';
import { clientEnvironment, type ClientEnvironment } from '../config/env.ts';

/** Where people or programs read: `columns` and `isTTY` only on a terminal. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** How wide a terminal is; undefined for what is none, and for one that does not say (`script`, some CI): it has 0. */
export function widthOf({ columns }: Output): number | undefined {
  return columns === 0 ? undefined : columns;
}

/** What a command touches outside itself. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: ClientEnvironment;
  /** Aborts on Ctrl-C, for commands that have something to say then. */
  onInterrupt(listener: () => void): () => void;
  /** For commands that have something to clean up. */
  readonly onEnd: OnEnd;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The streams, environment and signals of this process. */
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
    onEnd: processEnds(),
    sleep: async (delayMs, signal) => {
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
    },
  };
}

function processEnds(): OnEnd {
  const listeners = new Set<(signal: EndSignal) => void>();
  const noteBroken = (error: Error & { code?: string }): void => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    // A reader that has seen enough (`ergon task logs … | head`) closes the pipe: that is no fault.
    if (listeners.size === 0) process.exit(0);
    for (const listener of listeners) listener('SIGPIPE');
  };
  process.stdout.on('error', noteBroken);
  process.stderr.on('error', noteBroken);
  return (listener) => {
    listeners.add(listener);
    for (const signal of END_SIGNALS) process.on(signal, listener);
    return () => {
      listeners.delete(listener);
      for (const signal of END_SIGNALS) process.removeListener(signal, listener);
    };
  };
}

/** Writes no faster than the reader takes it. */
export async function write(output: Output, chunk: string | Uint8Array): Promise<void> {
  if (output.write(chunk)) return;
  await new Promise<void>((resolve) => output.once('drain', resolve));
}
