import type { Clock } from '../interface/clock.ts';
import type { Signer, Verifier } from '../interface/identity.ts';
import type { Logger } from '../interface/logger.ts';
import type { Agreements } from '../interface/market.ts';
import type { Network, RequestHandler } from '../interface/network.ts';
import type { OutboxReplies, ReplyHandler } from '../interface/outbox.ts';
import type {
  AgreementSource,
  Allocations,
  DebitNoteRecord,
  InvoiceRecord,
  PaymentDriver,
  UsageSource,
} from '../interface/payment.ts';
import type { Startable } from '../interface/startable.ts';
import type { Store } from '../interface/store.ts';
import { billActions, type BillActions } from './actions.ts';
import { allocations } from './allocations.ts';
import { PaymentError } from './errors.ts';
import type { PaymentContext } from './context.ts';
import { providerSide } from './provider/provider.ts';
import { paymentQueries, type PaymentQueries } from './queries.ts';
import { driverRegistry } from './registry.ts';
import { requestorRequests } from './requestor/requestor.ts';
import { followSettlement, SETTLEMENT_EVENTS } from './settlement.ts';
import { Timers } from './timers.ts';
import { verifyBill, type Finding } from './verify-bill.ts';
import { isRefusal, PAYMENT_PROTOCOL } from './wire.ts';

export interface PaymentInit {
  /** Requestor: check and decide on bills as they come (the default), or leave them for accept and reject by hand. */
  readonly decideAtOnce?: boolean;
  /** Requestor: how far a provider's meter may be ahead of our clock. Default 5000. */
  readonly usageToleranceMs?: number;
}

export interface PaymentComponents {
  readonly store: Store;
  readonly network: Pick<Network, 'handle'>;
  readonly outbox: OutboxReplies;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  /** Ends agreements in default. */
  readonly agreements: Pick<Agreements, 'terminate'>;
  readonly agreementSource: AgreementSource;
  readonly usage: UsageSource;
  readonly drivers: readonly PaymentDriver[];
}

/** Bills and payments of this node, in both roles. */
export interface Payment extends Startable, PaymentQueries {
  readonly allocations: Allocations;
  readonly bills: BillActions;
  /** Verifies a stored bill again: signatures, parties, sums, samples. */
  verify(record: DebitNoteRecord | InvoiceRecord): Promise<Finding[]>;
  readonly drivers: readonly PaymentDriver[];
}

/**
 * Bills for what this node provides, checks and pays what it is billed for. Make it before the network starts: it
 * registers its protocol. Start it after the store.
 */
export function payment(init: PaymentInit, components: PaymentComponents): Payment {
  const context = kitOf(init, components);
  const { store } = context;
  const timers = new Timers(context);
  const provider = providerSide(context, timers, components);
  const drivers = context.drivers.all();
  components.network.handle({
    id: PAYMENT_PROTOCOL,
    requests: merge<RequestHandler<never>>([
      provider.requests,
      requestorRequests(context),
      ...drivers.map((driver) => driver.requests ?? {}),
    ]),
  });
  const replies = merge<ReplyHandler>([provider.replies, ...drivers.map((driver) => driver.replies ?? {})]);
  for (const [kind, handle] of Object.entries(replies))
    components.outbox.onReply(PAYMENT_PROTOCOL, kind, tolerant(context, handle));
  let stopSettlement: (() => Promise<void>) | undefined;
  return {
    ...paymentQueries(store),
    allocations: allocations(context),
    bills: billActions(context),
    verify: (record) => verifyBill(context, record),
    drivers,
    async start() {
      timers.start();
      for (const driver of drivers) await driver.start();
      stopSettlement = store.events.consume('payment.settlement', SETTLEMENT_EVENTS, (event, tx) =>
        followSettlement(tx, context, event),
      );
      await provider.start();
    },
    async stop() {
      await timers.stop();
      await provider.stop();
      await stopSettlement?.();
      stopSettlement = undefined;
      for (const driver of [...drivers].reverse()) await driver.stop();
    },
  };
}

function kitOf(init: PaymentInit, components: PaymentComponents): PaymentContext {
  const { store, signer, verifier, clock, newId, usage } = components;
  return {
    store,
    signer,
    verifier,
    clock,
    newId,
    usage,
    logger: components.logger.child({ component: 'payment' }),
    agreements: components.agreementSource,
    drivers: driverRegistry(components.drivers),
    settings: {
      decideAtOnce: init.decideAtOnce ?? true,
      usageToleranceMs: init.usageToleranceMs ?? 5_000,
    },
  };
}

function merge<T>(tables: readonly Readonly<Record<string, T>>[]): Readonly<Record<string, T>> {
  const merged: Record<string, T> = {};
  for (const [kind, entry] of tables.flatMap((table) => Object.entries(table))) {
    if (Object.hasOwn(merged, kind))
      throw new PaymentError('ERR_PAYMENT_PLATFORM', `Two payment drivers answer to ${kind}`, { kind });
    merged[kind] = entry;
  }
  return merged;
}

/** An answer that is out of place must not keep the message, and all behind it, in the outbox for ever. */
function tolerant(context: PaymentContext, handle: ReplyHandler): ReplyHandler {
  return async (tx, message, reply) => {
    try {
      await handle(tx, message, reply);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      context.logger.warn(
        { err: error, peerId: message.peerId, kind: message.kind },
        'an answer was refused',
      );
    }
  };
}
