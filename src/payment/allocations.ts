import type { Allocation, Allocations } from '../interface/payment.ts';
import type { Transaction } from '../interface/store.ts';
import type { Reason } from '../interface/values.ts';
import { allocationsBucket, assignmentsBucket } from './buckets.ts';
import { PaymentError } from './errors.ts';
import type { PaymentContext } from './context.ts';

/** Budgets, and which agreement is paid out of which. */
export function allocations(context: Pick<PaymentContext, 'store' | 'clock' | 'drivers'>): Allocations {
  return {
    create: ({ allocationId, platform, total }) =>
      context.store.transact(async (tx) => {
        context.drivers.get(platform);
        const known = await tx.get(allocationsBucket, allocationId);
        if (known !== undefined) return sameOrThrow(known, platform, total);
        const allocation: Allocation = {
          allocationId,
          platform,
          total,
          spent: '0',
          remaining: total,
          released: false,
          createdAt: context.clock.now(),
        };
        tx.put(allocationsBucket, allocationId, allocation);
        tx.emit({
          type: 'allocation.created',
          subject: allocationId,
          data: { allocationId, platform, total },
        });
        return allocation;
      }),
    get: (allocationId) => context.store.get(allocationsBucket, allocationId),
    assign: (agreementId, allocationId) =>
      context.store.transact(async (tx) => assign(tx, agreementId, allocationId)),
    resize: (allocationId, total) =>
      context.store.transact(async (tx) => {
        const allocation = await required(tx, allocationId);
        if (allocation.released) throw wasReleased(allocationId);
        const remaining = BigInt(total) - BigInt(allocation.spent);
        if (remaining < 0n)
          throw new PaymentError(
            'ERR_PAYMENT_ALLOCATION_CONFLICT',
            `Allocation ${allocationId} cannot shrink to ${total}: ${allocation.spent} are spent`,
            { allocationId, total, spent: allocation.spent },
          );
        const resized = { ...allocation, total, remaining: remaining.toString() };
        tx.put(allocationsBucket, allocationId, resized);
        tx.emit({ type: 'allocation.resized', subject: allocationId, data: { allocationId, total } });
        return resized;
      }),
    release: (allocationId) =>
      context.store.transact(async (tx) => {
        const allocation = await required(tx, allocationId);
        if (allocation.released) return;
        tx.put(allocationsBucket, allocationId, { ...allocation, released: true });
        const { spent, remaining } = allocation;
        tx.emit({
          type: 'allocation.released',
          subject: allocationId,
          data: { allocationId, spent, remaining },
        });
      }),
  };
}

async function assign(tx: Transaction, agreementId: string, allocationId: string): Promise<void> {
  const known = await tx.get(assignmentsBucket, agreementId);
  if (known?.allocationId === allocationId) return;
  if (known !== undefined)
    throw new PaymentError(
      'ERR_PAYMENT_ALLOCATION_CONFLICT',
      `Agreement ${agreementId} is paid out of allocation ${known.allocationId} already`,
      { agreementId, allocationId: known.allocationId },
    );
  const allocation = await required(tx, allocationId);
  if (allocation.released) throw wasReleased(allocationId);
  tx.put(assignmentsBucket, agreementId, { agreementId, allocationId });
}

/** From now on the agreement is paid out of this allocation, whichever paid before. */
export async function payFrom(tx: Transaction, agreementId: string, allocationId: string): Promise<void> {
  const allocation = await required(tx, allocationId);
  if (allocation.released) throw wasReleased(allocationId);
  const known = await tx.get(assignmentsBucket, agreementId);
  if (known?.allocationId !== allocationId)
    tx.put(assignmentsBucket, agreementId, { agreementId, allocationId });
}

function wasReleased(allocationId: string): PaymentError {
  return new PaymentError('ERR_PAYMENT_ALLOCATION_RELEASED', `Allocation ${allocationId} was released`, {
    allocationId,
  });
}

function sameOrThrow(known: Allocation, platform: string, total: string): Allocation {
  if (known.platform === platform && known.total === total) return known;
  throw new PaymentError(
    'ERR_PAYMENT_ALLOCATION_CONFLICT',
    `Allocation ${known.allocationId} exists with ${known.total} on ${known.platform}`,
    { allocationId: known.allocationId, platform: known.platform, total: known.total },
  );
}

async function required(tx: Transaction, allocationId: string): Promise<Allocation> {
  const allocation = await tx.get(allocationsBucket, allocationId);
  if (allocation === undefined)
    throw new PaymentError('ERR_PAYMENT_ALLOCATION_NOT_FOUND', `There is no allocation ${allocationId}`, {
      allocationId,
    });
  return allocation;
}

/**
 * Takes `sum` out of the agreement's allocation, or says why it cannot be taken; then nothing has changed.
 * A released allocation still pays for the agreements that it was assigned to: their work was ordered under it.
 */
export async function spend(
  tx: Transaction,
  bill: { agreementId: string; platform: string },
  sum: bigint,
): Promise<Reason | undefined> {
  const assignment = await tx.get(assignmentsBucket, bill.agreementId);
  const allocation =
    assignment === undefined ? undefined : await tx.get(allocationsBucket, assignment.allocationId);
  if (allocation === undefined)
    return { code: 'NoAllocation', message: `No money was set aside for agreement ${bill.agreementId}` };
  const { allocationId, platform, remaining } = allocation;
  if (platform !== bill.platform)
    return {
      code: 'WrongPlatform',
      message: `Allocation ${allocationId} is on ${platform}, the bill on ${bill.platform}`,
      detail: { expected: platform, billed: bill.platform },
    };
  if (sum > BigInt(remaining))
    return {
      code: 'AllocationExceeded',
      message: `${sum} more would exceed allocation ${allocationId}: ${remaining} remain`,
      detail: { allocationId, remaining, asked: `${sum}` },
    };
  tx.put(allocationsBucket, allocationId, {
    ...allocation,
    spent: (BigInt(allocation.spent) + sum).toString(),
    remaining: (BigInt(remaining) - sum).toString(),
  });
  return undefined;
}
