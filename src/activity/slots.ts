import type {
  Clock,
  Logger,
  Reader,
  Resources,
  SlotAmounts,
  SlotReservation,
  Store,
  Transaction,
} from '../interface/index.ts';
import { ActivityError } from './errors.ts';
import { occupancies, reservations, slotSums, type SlotSum } from './records.ts';

export interface SlotLedgerInit {
  readonly total: SlotAmounts;
}

export interface SlotLedgerComponents {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Which resources of this machine are promised to which agreement. */
export interface SlotLedger extends SlotReservation {
  /** From now on this much is given away at most; the same holds as for a total that was lowered by `audit`. */
  resize(total: SlotAmounts): void;
  /**
   * Compares the sum with the reservations, and both with the totals. A total that was lowered below what is
   * reserved breaks no agreement: `free` is negative until enough of them have ended, and nothing new fits.
   */
  audit(): Promise<SlotAudit>;
  /** Gives back at once, also under a live activity: for the one who has just ended it. */
  releaseEnded(tx: Transaction, agreementId: string): Promise<void>;
}

/** The sums as they are; `overcommitted`: more is reserved than there is. */
export interface SlotAudit {
  readonly total: SlotAmounts;
  readonly reserved: SlotAmounts;
  readonly free: SlotAmounts;
  readonly overcommitted: boolean;
}

const SUM_KEY = 'sum';
const NOTHING: SlotSum = { cpuThreads: 0, memoryBytes: 0, storageBytes: 0 };

/** The provider's single-writer ledger of cpu threads, memory and storage: `free + Σ reserved = total`. */
export function slotLedger(init: SlotLedgerInit, components: SlotLedgerComponents): SlotLedger {
  let { total } = init;
  const { store, clock, logger } = components;

  async function releaseEnded(tx: Transaction, agreementId: string): Promise<void> {
    const held = await tx.get(reservations, agreementId);
    if (held === undefined) return;
    tx.delete(reservations, agreementId);
    tx.put(slotSums, SUM_KEY, minus(await sumOf(tx), held.resources));
  }

  return {
    get total() {
      return total;
    },
    resize(wanted) {
      total = wanted;
    },
    free: async (reader) => minus(total, await sumOf(reader)),

    async reserve(tx, agreementId, resources) {
      const held = await tx.get(reservations, agreementId);
      if (held !== undefined) {
        if (!same(held.resources, resources)) throw conflict(agreementId, held.resources, resources);
        return;
      }
      const sum = await sumOf(tx);
      const free = minus(total, sum);
      if (!fits(resources, free)) throw full(agreementId, resources, free);
      tx.put(reservations, agreementId, { agreementId, resources, at: clock.now() });
      tx.put(slotSums, SUM_KEY, plus(sum, resources));
    },

    async release(tx, agreementId) {
      // A live activity still uses them: they go when it has ended.
      const occupancy = await tx.get(occupancies, agreementId);
      if (occupancy?.activityId === undefined) await releaseEnded(tx, agreementId);
    },

    releaseEnded,

    async audit() {
      const reserved = await store.transact(async (tx) => {
        // The sum first: a reservation made after this read makes the transaction run again.
        const written = await sumOf(tx);
        const held = await tx.list(reservations);
        const sum = held.reduce((acc, { value }) => plus(acc, value.resources), NOTHING);
        if (!same(sum, written)) {
          logger.error({ sum, written }, 'the sum of the slots was wrong; taken from the reservations again');
          tx.put(slotSums, SUM_KEY, sum);
        }
        return sum;
      });
      const free = minus(total, reserved);
      const overcommitted = !fits(NOTHING, free);
      if (overcommitted) logger.warn({ total, reserved }, 'more is reserved than this node gives away now');
      return { total, reserved, free, overcommitted };
    },
  };
}

async function sumOf(reader: Reader): Promise<SlotSum> {
  return (await reader.get(slotSums, SUM_KEY)) ?? NOTHING;
}

function plus(a: SlotAmounts, b: SlotAmounts): SlotSum {
  return combine(a, b, (x, y) => x + y);
}

function minus(a: SlotAmounts, b: SlotAmounts): SlotSum {
  return combine(a, b, (x, y) => x - y);
}

function combine(a: SlotAmounts, b: SlotAmounts, of: (x: number, y: number) => number): SlotSum {
  return {
    cpuThreads: of(a.cpuThreads, b.cpuThreads),
    memoryBytes: of(a.memoryBytes, b.memoryBytes),
    storageBytes: of(a.storageBytes, b.storageBytes),
  };
}

function fits(asked: SlotAmounts, free: SlotAmounts): boolean {
  return (
    asked.cpuThreads <= free.cpuThreads &&
    asked.memoryBytes <= free.memoryBytes &&
    asked.storageBytes <= free.storageBytes
  );
}

function same(a: SlotAmounts, b: SlotAmounts): boolean {
  return fits(a, b) && fits(b, a);
}

function full(agreementId: string, asked: Resources, free: SlotAmounts): ActivityError {
  const message = `Agreement ${agreementId} asks for ${text(asked)}, but only ${text(free)} are free`;
  return new ActivityError('ERR_ACTIVITY_SLOTS_FULL', message, { agreementId, asked, free });
}

function conflict(agreementId: string, held: Resources, asked: Resources): ActivityError {
  const message = `Agreement ${agreementId} holds ${text(held)} already and now asks for ${text(asked)}`;
  return new ActivityError('ERR_ACTIVITY_SLOTS_CONFLICT', message, { agreementId, held, asked });
}

function text(amounts: SlotAmounts): string {
  return `${amounts.cpuThreads} threads, ${amounts.memoryBytes} B memory, ${amounts.storageBytes} B storage`;
}
