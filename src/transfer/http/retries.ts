import { isErgonError } from '../../interface/errors.ts';
import type { Clock } from '../../interface/clock.ts';
import { backoffMs } from '../../util/backoff.ts';
import { delay } from '../../util/delay.ts';
import { TransferError } from '../errors.ts';
import type { HttpResponse } from './http-request.ts';
import { shownUrl } from './transfer-url.ts';

const BACKOFF = { firstMs: 500, maxMs: 15_000 };
/** What a server may answer differently a moment later. */
const PASSING_STATUS = [408, 425, 429, 500, 502, 503, 504];

/** How often something is tried. */
export interface Retries {
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly signal: AbortSignal;
  /** How far it has got: an attempt that got further than any before it does not count. */
  readonly reached: () => number;
}

/** Repeats what failed for a reason that may pass, as long as it makes headway. */
export async function withRetries<T>(retries: Retries, attempt: () => Promise<T>): Promise<T> {
  const { maxAttempts, clock, random, signal, reached } = retries;
  let furthest = reached();
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (reached() > furthest) {
        furthest = reached();
        count = 1;
      }
      if (!isPassing(error) || count >= maxAttempts) throw error;
      await delay(clock, backoffMs(BACKOFF, count, random), signal);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (isErgonError(error, 'ERR_TRANSFER_HTTP_STATUS')) {
    return PASSING_STATUS.some((status) => status === error.detail.status);
  }
  return isErgonError(error, 'ERR_TRANSFER_UNREACHABLE', 'ERR_TRANSFER_ABORTED');
}

export function badStatus(url: URL, { status }: HttpResponse): TransferError {
  const message = `${shownUrl(url)} answered with status ${status}`;
  return new TransferError('ERR_TRANSFER_HTTP_STATUS', message, { status });
}
