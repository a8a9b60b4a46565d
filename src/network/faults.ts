import type { JsonValue } from '../interface/store.ts';

/** What passes through a memory network. A blob transfer has the protocol `/ergon/blob/2` and the kind `fetch`. */
export interface MemoryMessage {
  /** PeerIds. */
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly kind: string;
  readonly body: JsonValue;
}

export type Fault =
  /** The request never arrives; the caller waits for its timeout. */
  | { readonly type: 'drop' }
  /** The request is handled, its answer lost. */
  | { readonly type: 'drop-answer' }
  /** The request arrives after `ms` of the hub's clock. */
  | { readonly type: 'delay'; readonly ms: number }
  /** The connection breaks before the request arrives, or after it was handled. It stays broken until `hub.connect`. */
  | { readonly type: 'disconnect'; readonly when: 'before' | 'after' }
  /** It is handled twice; the caller gets the first answer. */
  | { readonly type: 'duplicate' }
  /** Something in the middle changed it. */
  | { readonly type: 'replace-body'; readonly body: JsonValue }
  | { readonly type: 'replace-answer'; readonly answer: JsonValue }
  /** A blob's bytes end after so many, and the connection with them. */
  | { readonly type: 'cut'; readonly afterBytes: number };

/** Asked for each message; the first rule that names a fault decides. */
export type FaultRule = (message: MemoryMessage) => Fault | undefined;
