import { isErgonError } from '../../src/interface/errors.ts';
import type { Protocol, RequestHandler, Sender } from '../../src/interface/network.ts';
import type { OutboxReplies, OutboxReply, ReplyHandler } from '../../src/interface/outbox.ts';
import type { JsonValue, PendingMessage, Store } from '../../src/interface/store.ts';
import { ledger, payment, type LedgerInit, type Payment, type PaymentInit } from '../../src/payment/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import type { FakeClock } from './fake-clock.ts';
import { testVerifier, type TestIdentity } from './identities.ts';
import { terminateAgreement, twinAgreements, twinUsage } from './payment-world.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

/** What may go wrong with one delivery. */
export type Delivery = 'whole' | 'request-lost' | 'answer-lost' | 'twice';

/** A node that has nothing but payment; its messages move only when the test moves them. */
export class PaymentNode {
  readonly store: Store;
  readonly identity: TestIdentity;
  readonly clock: FakeClock;
  /** All that this node ever delivered, for delivering it again much later. */
  readonly sent: { kind: string; body: JsonValue }[] = [];
  payment!: Payment;
  #init: { payment: PaymentInit; ledger: LedgerInit };
  #handlers: Readonly<Record<string, RequestHandler<never>>> = {};
  #replies = new Map<string, ReplyHandler>();
  #nextId = 0;
  /** Ends the agreement in both nodes' books, as the market would. */
  onTerminate: (agreementId: string) => Promise<void> = async () => undefined;
  /** The market cannot end agreements now. */
  marketFails = false;

  constructor(
    identity: TestIdentity,
    clock: FakeClock,
    init: { payment?: PaymentInit; ledger?: LedgerInit } = {},
  ) {
    this.identity = identity;
    this.clock = clock;
    this.store = memoryStore({ clock });
    this.#init = { payment: init.payment ?? {}, ledger: init.ledger ?? {} };
  }

  get sender(): Sender {
    return { peerId: this.identity.peerId, address: this.identity.address };
  }

  async start(): Promise<void> {
    await this.store.start();
    await this.boot();
  }

  /** Makes the services anew over the same books. */
  async boot(): Promise<void> {
    const { store, clock, identity } = this;
    const common = {
      store,
      clock,
      logger: silentLogger,
      signer: identity.signer,
      verifier: testVerifier,
      newId: () => this.newId(),
    };
    const replies = new Map<string, ReplyHandler>();
    const outbox: OutboxReplies = { onReply: (_protocol, kind, handle) => void replies.set(kind, handle) };
    this.payment = payment(this.#init.payment, {
      ...common,
      network: { handle: (protocol: Protocol) => void (this.#handlers = protocol.requests) },
      outbox,
      agreements: {
        terminate: async (agreementId, reason) => {
          if (this.marketFails) throw new Error('the market fails');
          const record = await terminateAgreement(store, agreementId, reason);
          await this.onTerminate(agreementId);
          return record;
        },
      },
      agreementSource: twinAgreements,
      usage: twinUsage,
      drivers: [ledger(this.#init.ledger, { ...common, agreements: twinAgreements })],
    });
    this.#replies = replies;
    await this.payment.start();
  }

  async reboot(): Promise<void> {
    await this.payment.stop();
    await this.boot();
  }

  async stop(): Promise<void> {
    await this.payment.stop();
    await this.store.stop();
  }

  newId(): string {
    this.#nextId += 1;
    return `${this.identity.address.slice(2, 8)}-${String(this.#nextId).padStart(8, '0')}`;
  }

  /** Handles a request as the network would: parsed at the door, bodies and answers as JSON. */
  async receive(kind: string, body: JsonValue, sender: Sender): Promise<OutboxReply> {
    const handler = this.#handlers[kind];
    if (handler === undefined) throw new Error(`no request kind ${kind}`);
    try {
      const request = handler.check(JSON.parse(JSON.stringify(body)));
      const answer = await handler.handle(request, sender, new AbortController().signal);
      return { ok: JSON.parse(JSON.stringify(answer)) as JsonValue };
    } catch (error) {
      if (!isErgonError(error)) throw error;
      return { error: { code: error.code, message: error.message, detail: {} } };
    }
  }

  next(to: PaymentNode): Promise<PendingMessage | undefined> {
    return this.store.outbox.next(to.identity.peerId);
  }

  /** Delivers the oldest waiting message; false when none waits. */
  async deliver(to: PaymentNode, delivery: Delivery = 'whole'): Promise<boolean> {
    const message = await this.next(to);
    if (message === undefined) return false;
    if (delivery === 'request-lost') return true;
    this.sent.push({ kind: message.kind, body: message.body });
    if (delivery === 'twice') await to.receive(message.kind, message.body, this.sender);
    const answer = await to.receive(message.kind, message.body, this.sender);
    if (delivery === 'answer-lost') return true;
    await this.store.transact(async (tx) => {
      this.store.outbox.settle(tx, message);
      await this.#replies.get(message.kind)?.(tx, message, answer);
    });
    return true;
  }
}

/** Lets consumers, timers that are due, and messages run until nothing moves. */
export async function quiesce(a: PaymentNode, b: PaymentNode): Promise<void> {
  for (let idle = 0; idle < 3;) {
    await a.clock.advance(0);
    await a.clock.settle();
    const moved = (await a.deliver(b)) || (await b.deliver(a));
    idle = moved ? 0 : idle + 1;
  }
}
