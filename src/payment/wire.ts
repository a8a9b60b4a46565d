import { Type, type Static } from 'typebox';
import { isErgonError } from '../interface/errors.ts';
import type { RequestHandler, Sender } from '../interface/network.ts';
import { BillDecision, PaymentReceipt } from '../interface/payment.ts';
import type { JsonValue, Transaction } from '../interface/store.ts';
import { Id, Reason } from '../interface/values.ts';
import { checker } from '../util/check.ts';

export const PAYMENT_PROTOCOL = '/ergon/payment/1';

const closed = { additionalProperties: false } as const;

/** The issuer takes a bill back, as long as the recipient has not decided on it. */
export const BillCancel = Type.Object({ billId: Id, reason: Reason }, closed);
export type BillCancel = Static<typeof BillCancel>;

/**
 * The answer to every message of the protocol. A refusal is an answer and not a failure: it is final, so the
 * message leaves the sender's outbox. A failure (a busy store, a defect) is thrown, and the message comes again.
 */
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
  Type.Object(
    {
      outcome: Type.Literal('Refused'),
      code: Type.String({ pattern: '^ERR_[A-Z0-9_]{1,80}$' }),
      message: Type.String({ maxLength: 4096 }),
    },
    closed,
  ),
]);
export type Reply = Static<typeof Reply>;

export const checkReply = checker(Reply, 'answer of the payment protocol');

export const DONE: Reply = { outcome: 'Done' };

/** Makes a request handler whose refusals (errors of ours) are answers. */
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
        if (!isErgonError(error) || !isRefusal(error.code)) throw error;
        return { outcome: 'Refused', code: error.code, message: error.message.slice(0, 4096) };
      }
    },
  };
  // The server passes to `handle` only what `check` has returned.
  return typed as unknown as RequestHandler<never>;
}

function isRefusal(code: string): boolean {
  return (
    code.startsWith('ERR_PAYMENT_') || code === 'ERR_IDENTITY_SIGNATURE' || code === 'ERR_IDENTITY_DOCUMENT'
  );
}

/** How long a message waits for its receiver: what it says stays true, so long. */
const PATIENCE_MS = 90 * 24 * 3600 * 1000;

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

export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
