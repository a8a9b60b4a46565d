import type { JsonValue, OutboxMessage, Transaction } from './store.ts';

/** What a message of the outbox came to: the peer's answer, or the error with which the peer or the outbox gave it up. */
export type OutboxReply =
  | { readonly ok: JsonValue }
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly detail: { readonly [key: string]: JsonValue };
      };
    };

/** Called with a message's outcome in the transaction that takes it out of the outbox. A throw keeps it there. */
export type ReplyHandler = (tx: Transaction, message: OutboxMessage, reply: OutboxReply) => Promise<void>;

/** The part of the outbox's dispatcher that a sender of messages needs. */
export interface OutboxReplies {
  /**
   * Before the start; one handler for each kind. It sees the peer's errors too, and ERR_NETWORK_EXPIRED. A handler that
   * throws is logged, and the message is sent again later.
   */
  onReply(protocol: string, kind: string, handler: ReplyHandler): void;
}
