import type { AgreementRecord, Reason, StoredEvent, Transaction } from '../../interface/index.ts';
import { occupancies, type EndIntent, type Occupancy } from '../records.ts';
import type { ProviderContext } from './context.ts';
import { closeOccupancy, openOccupancy } from './occupancy.ts';

const WATCHED = ['agreement.approved', 'agreement.terminated', 'agreement.expired'];
const EXPIRED: EndIntent = {
  state: 'Terminated',
  reason: { code: 'Expired', message: 'The agreement has expired' },
};

/** Follows the agreements of this provider: their start, their end, and the time they lie idle. */
export class AgreementWatch {
  readonly #context: ProviderContext;

  constructor(context: ProviderContext) {
    this.#context = context;
  }

  /** Durable; returns what stops it. */
  consume(): () => Promise<void> {
    return this.#context.store.events.consume('activity.provider.agreements', WATCHED, (event, tx) =>
      this.#take(event, tx),
    );
  }

  /** Ends what has expired and terminates what has been idle for too long. */
  async sweep(): Promise<void> {
    const { store, clock } = this.#context;
    const now = clock.now();
    const open = await store.list(occupancies, { where: { index: 'open', equals: 'yes' } });
    for (const { value } of open) {
      if (now >= value.expiresAt) await this.#expire(value);
      else if (isIdle(value, now)) await this.#terminateIdle(value);
    }
  }

  async #take(event: StoredEvent, tx: Transaction): Promise<void> {
    const { agreements, clock } = this.#context;
    const held = await agreements.get(event.subject);
    if (held?.role !== 'provider') return;
    if (event.type === 'agreement.approved') {
      await openOccupancy(tx, held, clock.now());
      return;
    }
    const end = event.type === 'agreement.expired' ? EXPIRED : endOf(held);
    await closeOccupancy(tx, event.subject, end, this.#context);
  }

  async #expire({ agreementId }: Occupancy): Promise<void> {
    await this.#context.store.transact((tx) => closeOccupancy(tx, agreementId, EXPIRED, this.#context));
  }

  async #terminateIdle({ agreementId, idleTimeoutMs }: Occupancy): Promise<void> {
    const { store, clock, agreements, logger } = this.#context;
    // Noted first: an activity that comes in this moment is refused, not cut off.
    const reason = await store.transact(async (tx): Promise<Reason | undefined> => {
      const now = await tx.get(occupancies, agreementId);
      if (now === undefined || now.closedAt !== undefined || !isIdle(now, clock.now())) return undefined;
      if (!now.closing) tx.put(occupancies, agreementId, { ...now, closing: true });
      return now.used
        ? { code: 'Idle', message: `No activity for ${idleTimeoutMs} ms`, detail: { idleTimeoutMs } }
        : {
            code: 'NoActivity',
            message: `No activity within ${idleTimeoutMs} ms`,
            detail: { idleTimeoutMs },
          };
    });
    if (reason === undefined) return;
    await agreements.terminate(agreementId, reason).catch((error: unknown) => {
      logger.warn({ agreementId, err: error }, 'an idle agreement could not be terminated; trying again');
    });
  }
}

/** No timeout means no end for idleness. */
function isIdle(occupancy: Occupancy, now: number): boolean {
  if (occupancy.closing) return true;
  const { activityId, idleSince, idleTimeoutMs } = occupancy;
  return activityId === undefined && idleTimeoutMs > 0 && now >= idleSince + idleTimeoutMs;
}

/** Why the activity of a terminated agreement ends. */
function endOf({ termination }: AgreementRecord): EndIntent {
  const message = termination?.reason.message ?? 'The agreement has ended';
  const code = termination?.reason.code;
  if (termination?.by === 'requestor') return { state: 'Terminated', reason: { code: 'Requestor', message } };
  const known = code === 'PaymentDefault' || code === 'Expired' ? code : 'Provider';
  return { state: 'Terminated', reason: { code: known, message } };
}
