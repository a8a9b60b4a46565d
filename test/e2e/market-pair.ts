import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalNode, type NodeConfig } from '../../scripts/local-node.ts';
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
export type TaskView = TaskRecord & { bill: { accepted: string; invoiced: string; settled: string } };

/** A provider and a requestor as real daemons on loopback, in directories of their own. */
export class MarketPair {
  readonly dir: string;
  readonly provider: LocalNode;
  readonly requestor: LocalNode;
  readonly #nodes: LocalNode[];

  constructor(dir: string, provider: LocalNode, requestor: LocalNode) {
    this.dir = dir;
    this.provider = provider;
    this.requestor = requestor;
    this.#nodes = [provider, requestor];
  }

  static async start(config: { provider?: NodeConfig; requestor?: NodeConfig } = {}): Promise<MarketPair> {
    const dir = await mkdtemp(join(tmpdir(), 'ergon-e2e-'));
    const provider = await LocalNode.start(join(dir, 'provider'), { name: 'provider', ...config.provider });
    const requestor = await LocalNode.start(join(dir, 'requestor'), {
      name: 'requestor',
      provider: { enabled: false },
      network: {
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: false,
        bootstrap: (await provider.info()).multiaddrs,
      },
      ...config.requestor,
    });
    return new MarketPair(dir, provider, requestor);
  }

  async stop(): Promise<void> {
    for (const node of [...this.#nodes].reverse()) await node.stop();
    await rm(this.dir, { recursive: true, force: true });
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

  task(taskId: string): Promise<TaskView> {
    return this.requestor.call<TaskView>('GET', `/v1/tasks/${taskId}`);
  }

  /** Waits until the task has ended and nothing more is owed for it. */
  done(taskId: string, timeoutMs = 90_000): Promise<TaskView> {
    return this.requestor.until(
      `task ${taskId} done`,
      async () => {
        const task = await this.task(taskId).catch(() => undefined);
        if (task === undefined || !['Succeeded', 'Failed', 'Canceled'].includes(task.state)) return undefined;
        return task.attempts.every((attempt) => attempt.phase === 'Done') ? task : undefined;
      },
      timeoutMs,
    );
  }

  async log(taskId: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    const response = await this.requestor.raw('GET', `/v1/tasks/${taskId}/logs?stream=${stream}`, undefined, {
      accept: 'application/octet-stream',
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.text();
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
