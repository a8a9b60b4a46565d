import { readFile } from 'node:fs/promises';
import type { LocalNode } from '../../scripts/local-node.ts';
import { LocalPair, type PairConfig, type TaskView } from '../../scripts/local-pair.ts';
import type {
  ActivityRecord,
  AgreementRecord,
  DebitNoteRecord,
  InvoiceRecord,
  TaskRecord,
} from '../../src/interface/index.ts';
import { WORKLOAD } from '../support/workload.ts';

export interface Page<T> {
  readonly items: readonly T[];
}
export type { TaskView };

/** A pair of daemons whose tasks are the workload's, and whose books are looked into. */
export class MarketPair extends LocalPair {
  static async start(config: PairConfig = {}): Promise<MarketPair> {
    return new MarketPair(...(await LocalPair.open(config)));
  }

  /** Uploads the workload and submits it with these arguments. */
  async submit(args: readonly string[], over: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { hash } = await this.requestor.upload('packages', await readFile(WORKLOAD));
    const task = await this.requestor.call<TaskRecord>('POST', '/v1/tasks', {
      package: hash,
      entryPoint: 'workload',
      args,
      limits: { memoryBytes: 64 * 1024 * 1024, storageBytes: 16 * 1024 * 1024, wallTimeMs: 60_000 },
      budget: '1',
      ...over,
    });
    return task.taskId;
  }

  /** What one side's books say of the task's only agreement. */
  async books(node: LocalNode, task: TaskRecord) {
    const { agreementId, activityId } = task.attempts[0]!;
    const agreement = await node.call<AgreementRecord>('GET', `/v1/agreements/${agreementId}`);
    const activity = await node.call<ActivityRecord>('GET', `/v1/activities/${activityId}`);
    const notes = await node.call<Page<DebitNoteRecord>>(
      'GET',
      `/v1/debit-notes?agreement=${agreementId}&limit=500`,
    );
    const invoices = await node.call<Page<InvoiceRecord>>('GET', `/v1/invoices?agreement=${agreementId}`);
    return { agreement, activity, notes: notes.items, invoices: invoices.items };
  }

  /** Waits until both sides have booked the payment and seen the activity's end, and returns both sides' books. */
  async settledBooks(task: TaskRecord) {
    const settled = (node: LocalNode) =>
      node.until('settled books', async () => {
        const books = await this.books(node, task).catch(() => undefined);
        const ended = books?.activity.state === 'Completed' || books?.activity.state === 'Terminated';
        return ended && books.invoices[0]?.state === 'Settled' ? books : undefined;
      });
    return { seller: await settled(this.provider), buyer: await settled(this.requestor) };
  }
}
