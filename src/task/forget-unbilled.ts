import {
  isFinalTaskState,
  type Forget,
  type Store,
  type TaskAttempt,
  type TaskRecord,
} from '../interface/index.ts';
import { taskBucket } from './bucket.ts';
import { put, withAttempt } from './records.ts';

const PAGE = 64;

export interface ForgetUnbilledComponents {
  readonly store: Pick<Store, 'list' | 'transact'>;
  /** Whether an invoice of this agreement is in the books, in whatever state. */
  readonly isInvoiced: (agreementId: string) => Promise<boolean>;
}

/**
 * Waits no longer for invoices of providers that have sent none since the attempt's end: the task is done with them, its
 * allocation is released, and it may be removed. An invoice that comes all the same is decided on as any other, and paid
 * out of that allocation.
 */
export function forgetUnbilled({ store, isInvoiced }: ForgetUnbilledComponents): Forget {
  const close = (taskId: string, numbers: readonly number[]): Promise<void> =>
    store.transact(async (tx) => {
      const task = await tx.get(taskBucket, taskId);
      if (task === undefined) return;
      const open = task.attempts.filter(
        ({ number, phase }) => numbers.includes(number) && phase === 'Settling',
      );
      if (open.length === 0) return;
      put(
        tx,
        task,
        open.reduce((now, { number }) => withAttempt(now, number, { phase: 'Done' }), task),
      );
    });

  return async (before, breathe) => {
    let closed = 0;
    let after: string | undefined;
    do {
      const page = await store.list(taskBucket, { limit: PAGE, ...(after !== undefined && { after }) });
      for (const { id, value } of page) {
        const unbilled: number[] = [];
        for (const { number, agreementId } of waiting(value, before))
          if (!(await isInvoiced(agreementId))) unbilled.push(number);
        if (unbilled.length === 0) continue;
        await close(id, unbilled);
        closed += 1;
      }
      after = page.length < PAGE ? undefined : page.at(-1)?.id;
      await breathe();
    } while (after !== undefined);
    return closed;
  };
}

function waiting({ state, attempts }: TaskRecord, before: number): TaskAttempt[] {
  if (!isFinalTaskState(state)) return [];
  return attempts.filter(({ phase, endedAt = Infinity }) => phase === 'Settling' && endedAt < before);
}
