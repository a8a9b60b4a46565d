import { finished } from 'node:stream/promises';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../../interface/index.ts';

/** Something to listen to: each turn is a reason to look again. */
export type Wake = (signal: AbortSignal) => AsyncIterable<unknown>;

export interface HoldComponents {
  readonly clock: Clock;
  readonly stopSignal: AbortSignal;
}

/** Aborts when the client has gone. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** Resolves when the answer has gone out, or its client. */
export function answered(reply: FastifyReply): Promise<void> {
  return finished(reply.raw).catch(() => undefined);
}

/**
 * Asks `question` now and whenever one of `wakes` says so, until it answers. Undefined when the time is up, the client
 * has gone or the server stops: a long-poll answers then with what there is.
 */
export async function hold<T>(
  { clock, stopSignal }: HoldComponents,
  wait: { readonly timeoutMs: number; readonly wakes: readonly Wake[]; readonly signal?: AbortSignal },
  question: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([
    over.signal,
    stopSignal,
    ...(wait.signal === undefined ? [] : [wait.signal]),
  ]);
  // Listening begins before the first look: what happens in between is not missed.
  const listeners = wait.wakes.map((wake) => listenTo(wake, signal));
  const cancel = clock.setTimer(() => over.abort(), wait.timeoutMs);
  const ended = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    while (!signal.aborted) {
      const answer = await question();
      if (answer !== undefined) return answer;
      await Promise.race([ended, ...listeners.map((each) => each.next())]);
    }
    // What came in the very last moment.
    return await question();
  } finally {
    cancel();
    over.abort();
  }
}

/** Remembers between two looks that something was heard. */
function listenTo(wake: Wake, signal: AbortSignal): { next(): Promise<void> } {
  let heard = deferred();
  const listen = async (): Promise<void> => {
    const turns = wake(signal)[Symbol.asyncIterator]();
    while ((await turns.next()).done !== true) heard.resolve();
  };
  // Without its wakes a question is still asked once more, when the time is up.
  listen().catch(() => undefined);
  return {
    async next() {
      await heard.promise;
      heard = deferred();
    },
  };
}

function deferred(): { promise: Promise<unknown>; resolve(): void } {
  const { promise, resolve } = Promise.withResolvers();
  return { promise, resolve: () => resolve(undefined) };
}

/** Notified when something in this process has changed that no event of the store tells of. */
export class Notifier {
  readonly #waiting = new Set<() => void>();

  notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  readonly notifications: Wake = (signal) => {
    let isNotified = false;
    let resolve: (() => void) | undefined;
    const wake = (): void => {
      isNotified = true;
      resolve?.();
    };
    const end = (): void => {
      this.#waiting.delete(wake);
      resolve?.();
    };
    this.#waiting.add(wake);
    signal.addEventListener('abort', end, { once: true });
    return turnsOf(signal, async () => {
      if (!isNotified && !signal.aborted) await new Promise<void>((done) => (resolve = done));
      isNotified = false;
    });
  };
}

async function* turnsOf(signal: AbortSignal, next: () => Promise<void>): AsyncGenerator<true> {
  while (!signal.aborted) {
    await next();
    yield true;
  }
}
