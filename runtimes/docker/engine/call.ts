import type { Clock } from '../../../src/interface/clock.ts';
import { isErgonError } from '../../../src/interface/errors.ts';
import { delay } from '../../../src/util/delay.ts';
import { errorMessage } from '../../../src/util/error-message.ts';
import { RuntimeError } from '../../errors.ts';

/** How one request to the engine is made. */
export interface CallOptions {
  /** What is asked, for the message of an error. */
  readonly what: string;
  readonly timeoutMs: number;
  /** For how long it is asked again while nobody answers; 0: once. Only for what may be done twice. */
  readonly patienceMs: number;
}

const RETRY_MS = 250;
const MESSAGE_CHARS = 500;

/**
 * Asks the engine, with a deadline of our own: the client library has none, and waits for ever when a reply breaks off.
 * @throws RuntimeError ERR_RUNTIME_ENGINE_UNREACHABLE when it does not answer: what became of the request is unknown;
 *   ERR_RUNTIME_FAILED with `detail.status` when it refuses
 */
export async function callEngine<T>(
  clock: Clock,
  options: CallOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const giveUpNs = clock.monotonicNs() + BigInt(options.patienceMs) * 1_000_000n;
  for (;;) {
    try {
      return await once(clock, options, work);
    } catch (error) {
      const isAway = isErgonError(error, 'ERR_RUNTIME_ENGINE_UNREACHABLE');
      if (!isAway || clock.monotonicNs() >= giveUpNs) throw error;
    }
    await delay(clock, RETRY_MS);
  }
}

async function once<T>(
  clock: Clock,
  { what, timeoutMs }: CallOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.setTimer(() => {
    reject(unreachable(what, `no answer within ${timeoutMs} ms`));
    abort.abort();
  }, timeoutMs);
  try {
    return await Promise.race([work(abort.signal), late]);
  } catch (error) {
    throw translate(what, error);
  } finally {
    cancel();
  }
}

/** True for the engine's refusal with one of these HTTP statuses. */
export function isRefusal(error: unknown, ...statuses: number[]): boolean {
  return (
    isErgonError(error, 'ERR_RUNTIME_FAILED') && statuses.some((status) => error.detail['status'] === status)
  );
}

function translate(what: string, error: unknown): unknown {
  if (isErgonError(error)) return error;
  const message = errorMessage(error).slice(0, MESSAGE_CHARS);
  const status = statusOf(error);
  // No status: the connection failed. The engine's own gateway errors say no more than that.
  if (status === undefined || status === 502 || status === 503 || status === 504)
    return unreachable(what, message, error);
  return new RuntimeError(
    'ERR_RUNTIME_FAILED',
    `the engine refuses to ${what}: ${message.trim()}`,
    { status },
    { cause: error },
  );
}

/** The engine's silence, or a reply that breaks off. */
export function unreachable(what: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_ENGINE_UNREACHABLE',
    `cannot ask the engine to ${what}: ${why}`,
    {},
    { cause },
  );
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
