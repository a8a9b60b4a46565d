import { isErgonError } from '../interface/errors.ts';
import type { Network, RequestOptions } from '../interface/network.ts';
import type { OutboxReply } from '../interface/outbox.ts';
import type { PendingMessage } from '../interface/store.ts';
import { wireError } from './answer.ts';

/** The peer could not do it now; its refusal says nothing about the message. */
const PEER_RETRYABLE = ['ERR_NETWORK_INTERNAL', 'ERR_NETWORK_BUSY'];
/** No repetition mends these. */
const HOPELESS = ['ERR_NETWORK_TOO_LARGE', 'ERR_NETWORK_PEER_ID'] as const;

/** One attempt. `later`: it failed in a way that may pass; whether the peer handled the message is unknown. */
export async function requestReply(
  network: Network,
  message: PendingMessage,
  options: RequestOptions,
): Promise<OutboxReply | { readonly later: unknown }> {
  const { peerId, protocol, kind, body } = message;
  try {
    return { ok: await network.request(peerId, protocol, kind, body, options) };
  } catch (error) {
    if (isErgonError(error, ...HOPELESS)) return wireError(error.code, error.message, error.detail);
    if (!isErgonError(error, 'ERR_NETWORK_REMOTE')) return { later: error };
    const { code, message: text, detail } = error.detail;
    if (typeof code !== 'string' || PEER_RETRYABLE.includes(code)) return { later: error };
    return wireError(code, String(text), typeof detail === 'object' && detail !== null ? detail : {});
  }
}
