import type { TaskRecord } from '../../../interface/index.ts';
import type { RouteContext } from '../../route.ts';
import type { Bill } from '../../schemas/task.ts';

/** A task with what it costs. */
export async function taskView(
  task: TaskRecord,
  context: RouteContext,
): Promise<TaskRecord & { bill: Bill }> {
  return { ...task, bill: await bill(task, context) };
}

async function bill(task: TaskRecord, { allocations, books }: RouteContext): Promise<Bill> {
  const allocation = await allocations.get(task.allocationId);
  const agreements = [...new Set(task.attempts.map((attempt) => attempt.agreementId))];
  const pages = await Promise.all(
    agreements.map((agreement) => books.invoices.list({ limit: 16, where: { agreement } })),
  );
  const invoices = pages.flatMap(({ items }) => items);
  const sum = (of: typeof invoices): string =>
    of.reduce((total, { invoice }) => total + BigInt(invoice.amount), 0n).toString();
  return {
    platform: task.spec.platform,
    budget: task.spec.budget,
    accepted: allocation?.spent ?? '0',
    invoiced: sum(invoices),
    settled: sum(invoices.filter(({ state }) => state === 'Settled')),
  };
}
