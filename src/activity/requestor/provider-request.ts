import { isErgonError, type ErgonError, type JsonValue } from '../../interface/index.ts';
import { backoffMs } from '../../util/backoff.ts';
import { delay } from '../../util/delay.ts';
import { ActivityError, activityErrors, type ActivityErrorCode } from '../errors.ts';
import { ACTIVITY_PROTOCOL } from '../messages.ts';
import type { Remote } from '../records.ts';
import type { RequestorContext } from './context.ts';

/** The provider has answered, and the answer is no: asking again changes nothing. */
export class Refusal extends ActivityError {}

/** A request to the provider, and how its answer is checked. */
export interface ProviderRequest<A> {
  readonly kind: string;
  readonly body: JsonValue;
  readonly check: (answer: unknown) => A;
  /** How long the answer may take beyond what any answer may. */
  readonly waitMs?: number;
}

const ANSWER_TIMEOUT_MS = 20_000;
const RETRY = { firstMs: 200, maxMs: 10_000 };

/** What a provider says when it cannot answer now, or when something of its own failed. */
const NOT_NOW = ['ERR_ACTIVITY_STOPPED'];
const FINAL = [/^ERR_ACTIVITY_/, /^ERR_CHECK_/, /^ERR_NETWORK_(INVALID|UNKNOWN_KIND)$/];
/** Our own network refuses to send it at all. */
const UNSENDABLE = ['ERR_NETWORK_TOO_LARGE', 'ERR_NETWORK_PEER_ID'];

/** One request to the provider. Throws Refusal when the answer is no, anything else when asking again may help. */
export async function sendRequest<A>(
  { network }: Pick<RequestorContext, 'network'>,
  { peerId, multiaddrs }: Pick<Remote, 'peerId' | 'multiaddrs'>,
  request: ProviderRequest<A>,
  signal: AbortSignal,
): Promise<A> {
  const timeoutMs = ANSWER_TIMEOUT_MS + (request.waitMs ?? 0);
  try {
    const { kind, body, check } = request;
    return check(
      await network.request(peerId, ACTIVITY_PROTOCOL, kind, body, { timeoutMs, signal, multiaddrs }),
    );
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

/** Asks until there is an answer; gives up at `until`, or when the signal aborts. */
export async function requestUntilAnswered<A>(
  context: Pick<RequestorContext, 'network' | 'clock' | 'logger'>,
  remote: Pick<Remote, 'activityId' | 'peerId' | 'multiaddrs'>,
  request: ProviderRequest<A>,
  until: number,
  signal: AbortSignal,
): Promise<A> {
  const { clock, logger } = context;
  const { activityId, peerId } = remote;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendRequest(context, remote, request, signal);
    } catch (error) {
      if (error instanceof Refusal || signal.aborted) throw error;
      if (clock.now() >= until) throw unreachable(activityId, peerId, error);
      logger.debug({ activityId, kind: request.kind, attempt, err: error }, 'no answer; asking again');
      await delay(clock, backoffMs(RETRY, attempt), signal);
    }
  }
}

export function unreachable(activityId: string, peerId: string, cause?: unknown): ActivityError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  const message = `Provider ${peerId} of activity ${activityId} did not answer in time${why}`;
  return new ActivityError('ERR_ACTIVITY_UNREACHABLE', message, { activityId, peerId }, { cause });
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!isErgonError(error)) return undefined;
  if (UNSENDABLE.includes(error.code)) return refusal(error.code, error.message, error);
  const { code, message } = error.detail;
  if (error.code !== 'ERR_NETWORK_REMOTE' || typeof code !== 'string') return undefined;
  if (NOT_NOW.includes(code) || !FINAL.some((pattern) => pattern.test(code))) return undefined;
  return refusal(code, typeof message === 'string' ? message : error.message, error);
}

function refusal(code: string, message: string, cause: ErgonError): Refusal {
  const known = isActivityCode(code) ? code : 'ERR_ACTIVITY_REFUSED';
  return new Refusal(known, message, { ...cause.detail, code }, { cause });
}

function isActivityCode(code: string): code is ActivityErrorCode {
  return Object.hasOwn(activityErrors, code);
}
