import { Type, type Static } from 'typebox';
import { isErgonError } from '../interface/errors.ts';
import type { JsonValue } from '../interface/store.ts';
import { NetworkError } from './errors.ts';

const MAX_DETAIL_CHARS = 16_384;

/** An error as it travels. */
export const WireError = Type.Object(
  {
    code: Type.String({ pattern: '^ERR_[A-Z0-9_]{1,80}$' }),
    message: Type.String({ maxLength: 4096 }),
    detail: Type.Record(Type.String({ maxLength: 128 }), Type.Unknown(), { maxProperties: 64 }),
  },
  { additionalProperties: false },
);
export type WireError = Omit<Static<typeof WireError>, 'detail'> & {
  detail: { readonly [key: string]: JsonValue };
};

/** What comes back for a request. */
export type Answer = { readonly ok: JsonValue } | { readonly error: WireError };

/** A failure of this node that is no answer to the request: the books, or something that nobody foresaw. */
export function isOwnFault(error: unknown): boolean {
  return !isErgonError(error) || error.code.startsWith('ERR_STORE_');
}

/** The answer that tells a caller of a handler's failure. Only what the request led to travels: the rest may hold secrets. */
export function errorAnswer(error: unknown): Answer {
  if (!isErgonError(error) || isOwnFault(error)) {
    return wireError('ERR_NETWORK_INTERNAL', 'The peer failed to handle the request');
  }
  return wireError(error.code, error.message, error.detail);
}

export function wireError(code: string, message: string, detail: object = {}): { readonly error: WireError } {
  return { error: { code, message: message.slice(0, 4096), detail: jsonDetail(detail) } };
}

/** Details are for programs and may hold anything: what is no JSON, or too much of it, stays behind. */
function jsonDetail(detail: object): WireError['detail'] {
  const out: Record<string, JsonValue> = {};
  let chars = 0;
  for (const [key, value] of Object.entries(detail).slice(0, 64)) {
    const json = jsonOf(value);
    if (json === undefined || key.length > 128) continue;
    chars += json.length;
    if (chars > MAX_DETAIL_CHARS) break;
    out[key] = JSON.parse(json) as JsonValue;
  }
  return out;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(typeof value === 'bigint' ? value.toString() : value);
  } catch {
    return undefined;
  }
}

/** The caller's view: the value, or ERR_NETWORK_REMOTE with the peer's error in `detail`. */
export function valueOf(answer: Answer, peerId: string): JsonValue {
  if ('ok' in answer) return answer.ok;
  const { code, message, detail } = answer.error;
  throw new NetworkError('ERR_NETWORK_REMOTE', `Peer ${peerId} refused: ${code}: ${message}`, {
    peerId,
    code,
    message,
    detail,
  });
}
