import { Type, type Static } from 'typebox';
import { isErgonError, type ErgonError } from '../interface/errors.ts';
import type { RequestHandler, Sender } from '../interface/network.ts';
import { BillDecision, PaymentReceipt } from '../interface/payment.ts';
import type { JsonValue, Transaction } from '../interface/store.ts';
import { Id, Reason } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { DAY_MS } from '../util/durations.ts';
import { PaymentError } from './errors.ts';

/** The libp2p protocol under which bills, decisions and payments are sent. */
export const PAYMENT_PROTOCOL = '/ergon/payment/1';

const closed = { additionalProperties: false } as const;

/** The issuer takes a bill back, as long as the recipient has not decided on it. */
export const BillCancel = Type.Object({ billId: Id, reason: Reason }, closed);
export type BillCancel = Static<typeof BillCancel>;

/** The answer to a message of the protocol. What is refused for good is thrown, with a code of ours. */
export const Reply = Type.Union([
  Type.Object(
    {
      outcome: Type.Literal('Done'),
      /** The decision, when the same bill came before. */
      decision: Type.Optional(BillDecision),
      /** The receipt, when the same payment came before. */
      receipt: Type.Optional(PaymentReceipt),
    },
    closed,
  ),
  /** Earlier messages are missing here: send again from this sequence number on. */
  Type.Object({ outcome: Type.Literal('Resend'), from: Type.Integer({ minimum: 1 }) }, closed),
]);
export type Reply = Static<typeof Reply>;

export const checkReply = checker(Reply, 'answer of the payment protocol');

export const DONE: Reply = { outcome: 'Done' };

/**
 * Makes a request handler. Only what says that the message itself is wrong travels back under its code, for that ends
 * its delivery; any other failure (of our books, of this program) leaves it at the sender, to come again.
 */
export function handler<Req>(
  check: (body: unknown) => Req,
  handle: (request: Req, sender: Sender) => Promise<Reply>,
): RequestHandler<never> {
  const typed: RequestHandler<Req> = {
    check,
    handle: async (request, sender) => {
      try {
        return toJson(await handle(request, sender));
      } catch (error) {
        if (isRefusal(error)) throw error;
        throw new Error('A message could not be handled now', { cause: error });
      }
    },
  };
  // The server passes to `handle` only what `check` has returned.
  return typed as unknown as RequestHandler<never>;
}

/** An error that repeating the same message cannot mend. */
export function isRefusal(error: unknown): error is ErgonError {
  return (
    error instanceof PaymentError || isErgonError(error, 'ERR_IDENTITY_SIGNATURE', 'ERR_IDENTITY_DOCUMENT')
  );
}

/** How long a message waits for its receiver: what it says stays true, so long. */
const PATIENCE_MS = 90 * DAY_MS;

/** Puts a message of this protocol into the outbox. */
export function post(
  tx: Transaction,
  components: { newId: () => string; clock: { now(): number } },
  message: { peerId: string; kind: string; body: object },
): void {
  tx.send({
    id: components.newId(),
    peerId: message.peerId,
    protocol: PAYMENT_PROTOCOL,
    kind: message.kind,
    body: toJson(message.body),
    expiresAt: components.clock.now() + PATIENCE_MS,
  });
}

/** Documents hold plain JSON; TypeScript cannot see it through their optional members. */
export function toJson(value: object): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

/** Addresses come with and without capitals that are a checksum. */
export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
