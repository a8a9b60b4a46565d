import {
  isFinalTaskState,
  type Allocations,
  type Store,
  type StoredEvent,
  type Transaction,
} from '../interface/index.ts';
import { taskBucket } from './bucket.ts';
import { put, withAttempt } from './records.ts';

/** Invoice events after which an attempt owes nothing more. */
const SETTLED = ['invoice.settled', 'invoice.rejected', 'invoice.cancelled', 'invoice.failed'];

/**
 * Marks an attempt settled, and Done once it is closed as well, and releases the allocation of a task that has ended.
 * Returns a function that stops it.
 */
export function followSettlement(components: {
  store: Store;
  allocations: Allocations;
}): () => Promise<void> {
  const { store, allocations } = components;
  const stopMarking = store.events.consume('task.settlement', SETTLED, markDone);
  const stopReleasing = store.events.consume(
    'task.release',
    ['task.state-changed', 'task.progressed'],
    async (event, tx) => {
      const task = await tx.get(taskBucket, event.subject);
      if (task === undefined || !isFinalTaskState(task.state)) return;
      if (task.attempts.every((attempt) => attempt.phase === 'Done'))
        await allocations.release(task.allocationId);
    },
  );
  return async () => {
    await Promise.all([stopMarking(), stopReleasing()]);
  };
}

async function markDone(event: StoredEvent, tx: Transaction): Promise<void> {
  const agreementId = agreementOf(event);
  if (agreementId === undefined) return;
  const [found] = await tx.list(taskBucket, { where: { index: 'agreement', equals: agreementId }, limit: 1 });
  const task = found === undefined ? undefined : await tx.get(taskBucket, found.id);
  const attempt = task?.attempts.find((each) => each.agreementId === agreementId);
  if (task === undefined || attempt === undefined || attempt.phase === 'Done') return;
  const closed = attempt.phase === 'Settling';
  put(
    tx,
    task,
    withAttempt(task, attempt.number, closed ? { phase: 'Done', settled: true } : { settled: true }),
  );
}

function agreementOf(event: StoredEvent): string | undefined {
  const { data } = event;
  if (data === null || typeof data !== 'object' || !('agreementId' in data)) return undefined;
  return typeof data.agreementId === 'string' ? data.agreementId : undefined;
}
